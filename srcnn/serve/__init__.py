"""`srcnn serve`: a page on this machine that upscales photographs with `upscaling`.

Its own style and scripts are in `assets/`; it also uses the report's.
"""
