"""`srcnn judge`: a page on this machine on which people compare results blindly.

It draws the trials (`trials`), shows them (`application`) and appends each vote to a file. What the
votes mean is in `analysis`.
"""
