"""The program `srcnn`: its options, and what the verbs `score` and `compare` do.

`upscale` and `serve` are in rooms of their own.
"""
