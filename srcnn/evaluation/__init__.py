"""Scores: Algorithm 2, the metrics with their conventions, benchmark sets, provenance.

What the scores mean belongs in `analysis`.
"""
