"""Algorithm 2 and the metrics, each with its convention; benchmark sets; provenance.

What the scores mean belongs in `analysis`.
"""
