"""The one exception that users see as a line instead of a traceback."""

import unicodedata


class InputError(Exception):
    """A setting or a file is wrong; the message names it and says what to do about it.

    It is made one line without control characters, whatever a library that is quoted in it says.
    """

    def __init__(self, message: str):
        line = " ".join(part.strip() for part in message.splitlines())
        super().__init__("".join(c for c in line if unicodedata.category(c) != "Cc"))


class TooLarge(InputError):  # noqa: N818  # as its parent says of itself
    """An image has more pixels than one is trusted to have; it may be a bomb."""


class Stopped(Exception):  # noqa: N818  # no error
    """Someone asked a run to stop, and its state is saved; the message says where."""
