"""Pages that only this machine can open: the server and the security that they share.

The pages themselves are in rooms of their own, such as `serve`.
"""
