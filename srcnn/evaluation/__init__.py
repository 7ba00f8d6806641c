"""Scores: Algorithm 2, the metrics with their conventions, benchmark sets.

What the scores mean belongs in `analysis`.
"""
