"""What the scores in `metrics/` show: statistics, comparisons, and the paper's claims.

Nothing here computes a score; figures belong in `figures`.
"""
