"""`srcnn serve`: a page on this machine that upscales photographs with `upscaling`.

The server (`server`, `application`) keeps a queue; worker processes read and upscale the images.
The page's own style and scripts are in `assets/`; it also uses the report's.
"""
