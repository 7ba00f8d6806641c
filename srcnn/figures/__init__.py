"""Table I and every figure, as files under `plots/`.

The numbers come from `analysis`; the HTML page belongs in `report`.
"""
