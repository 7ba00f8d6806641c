"""Table I and every figure, written under `plots/`.

The numbers come from `analysis`; the HTML report belongs in `report`.
"""
