"""Files, threads, paths, text: what every room uses and no room is about.

Nothing here knows images, networks or settings.
"""
