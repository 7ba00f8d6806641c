"""What the scores mean: results read from `metrics/`, statistics, comparisons, the paper's claims.

Scores themselves come from `evaluation`; figures are drawn in `figures`.
"""
