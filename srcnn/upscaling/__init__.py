"""`srcnn upscale`: image files of any kind through a released network, without torch.

It keeps every bit, the profile and EXIF. The command line belongs in `cli`.
"""
