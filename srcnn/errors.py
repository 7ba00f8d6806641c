"""The one exception that users see as a line instead of a traceback."""

import unicodedata


class InputError(Exception):
    """A setting or a file is wrong; the message names it and says what to do about it.

    It is made one line without control characters, whatever a library that is quoted in it says.
    """

    def __init__(self, message: str):
        line = " ".join(part.strip() for part in message.splitlines())
        super().__init__("".join(c for c in line if unicodedata.category(c) != "Cc"))
