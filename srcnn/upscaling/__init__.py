"""`srcnn upscale`: reads image files of any kind, runs a released network, writes the results.

Works without torch. Keeps 16-bit channels, alpha, ICC profile and EXIF. Options are in `cli`.
"""
