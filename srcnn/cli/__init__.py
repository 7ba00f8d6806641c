"""The program `srcnn`: its options, and the verbs `score` and `compare`.

The work of `upscale` and `serve` is in rooms of their own.
"""
