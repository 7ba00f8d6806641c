"""The one exception that users see as a line instead of a traceback."""


class InputError(Exception):
    """A setting or a file is wrong; the message names it and says what to do about it."""
