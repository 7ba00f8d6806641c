"""Pages in Chromium that may do nothing wrong and ask no other server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@contextmanager
def opened_pages(
    browser: "Browser", address: str, expected: str | None = None
) -> "Iterator[Callable[..., Page]]":
    """Yield a function that opens the page at an address, with options of its own context.

    In the end, there may be no messages or errors on the console but those that contain
    `expected`, no dialogs, and no requests to another server.
    """
    contexts, wrong, asked = [], [], []

    def note(text: str) -> None:
        if expected is None or expected not in text:
            wrong.append(text)

    def open_(**options: Any) -> "Page":
        usual = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = browser.new_context(**usual | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: note(message.text))
        page.on("pageerror", lambda error: note(str(error)))
        page.on("dialog", lambda dialog: note(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
