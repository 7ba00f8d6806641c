"""Exceptions that users see as one line instead of a traceback."""

import unicodedata


class InputError(Exception):
    """A setting or a file is wrong; the message names it and says what to do.

    The message becomes one line without control characters, as it may quote a library's.
    """

    def __init__(self, message: str):
        line = " ".join(part.strip() for part in message.splitlines())
        super().__init__("".join(c for c in line if unicodedata.category(c) != "Cc"))


class TooLarge(InputError):  # noqa: N818
    """An image has too many pixels; it may be a decompression bomb."""


class Stopped(Exception):  # noqa: N818  # not an error
    """A user stopped a run and its state is saved; the message says where."""
