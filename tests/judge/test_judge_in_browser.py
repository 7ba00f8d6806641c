"""The page of `srcnn judge` in Chromium, used by mouse, keys and touch."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from srcnn.analysis.vote_file import MOSAIC, read_votes
from srcnn.images.image_io import RGB8
from srcnn.judge.trials import TrialPlanner
from tests.browser_pages import opened_pages
from tests.judge.small_project import judge_served

pytest.importorskip("playwright", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
from playwright.sync_api import Browser, Page, expect  # noqa: E402

expect.set_options(timeout=20_000)  # on machines that have much else to do

OpenPage = Callable[..., Page]
DRAWN = """(id) => {
  const canvas = document.getElementById(id), { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  return [...copy.getImageData(0, 0, width, height).data];
}"""


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Opens the page; in the end, nothing may have been wrong or asked of another server."""
    with opened_pages(browser, address) as open_:

        def open_at_start(**options: Any) -> Page:
            page = open_(**options)
            expect(page.locator("#start")).to_be_visible()
            return page

        yield open_at_start


def begin(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Start").click()
    at_trial(page, 1)


def at_trial(page: Page, trial: int) -> None:
    """Wait until the pair is shown."""
    expect(page.locator("#question")).to_have_text(f"{trial} of 20: Which looks better?")
    expect(page.locator("#stage")).not_to_have_class("waiting")


def drawn(page: Page, side: str) -> bytes:
    """The RGB pixels of a canvas."""
    pixels = bytes(page.evaluate(DRAWN, side))
    return bytes(value for place, value in enumerate(pixels) if place % 4 != 3)


@pytest.mark.slow
def test_a_whole_session_by_keys_and_a_second_voter_by_mouse(
    open_page: OpenPage, planner: TrialPlanner, votes: Path
) -> None:
    page = open_page()
    begin(page, "Ann")
    keys = {"ArrowLeft": "left", "ArrowRight": "right", " ": "none"}
    pressed = [*keys, *keys, *keys] * 2 + ["ArrowLeft"] * 2
    for trial, key in enumerate(pressed, start=1):
        at_trial(page, trial)
        expect(page.locator("#question")).to_be_focused()
        digest = hashlib.sha256(drawn(page, "left") + drawn(page, "right")).hexdigest()[:12]
        page.keyboard.press(key)
        at_trial(page, trial + 1) if trial < 20 else expect(page.locator("#end")).to_be_visible()
        vote = read_votes(votes).votes[-1]
        assert (vote.trial, vote.answer, vote.pixels) == (trial, keys[key], digest)
        assert 0 <= vote.seconds < 60
    expect(page.locator("#end-title")).to_be_focused()
    page.keyboard.press("ArrowLeft")  # counts no more
    page.get_by_role("button", name="Another person").click()
    expect(page.get_by_label("Your name")).to_have_value("")
    expect(page.locator("#unfinished")).to_be_hidden()
    begin(page, "Bob")
    for trial, name in enumerate(["Left", "No difference", "Right"] * 6 + ["Left"] * 2, start=1):
        at_trial(page, trial)
        page.get_by_role("button", name=name).click()
    expect(page.locator("#end")).to_be_visible()
    found = read_votes(votes).votes
    assert Counter(vote.voter for vote in found) == {"Ann": 20, "Bob": 20}
    assert len({vote.session for vote in found}) == 2
    assert all(planner.reader.is_current(vote) for vote in found)


def test_a_session_cannot_start_before_the_page_knows_the_question(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/sessions", lambda route: None)  # gets no answer
    page.reload()
    expect(page.get_by_role("button", name="Start")).to_be_disabled()


def test_a_session_is_stopped_and_continued_also_after_a_reload(
    open_page: OpenPage, votes: Path
) -> None:
    page = open_page()
    begin(page, "Ann")
    for trial in (1, 2, 3):
        at_trial(page, trial)
        page.keyboard.press("ArrowRight")
    at_trial(page, 4)
    before = drawn(page, "left") + drawn(page, "right")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Ann: 3 of 20 answered").click()
    at_trial(page, 4)
    assert drawn(page, "left") + drawn(page, "right") == before
    page.reload()
    page.get_by_role("button", name="Ann: 3 of 20 answered").click()
    at_trial(page, 4)
    assert drawn(page, "left") + drawn(page, "right") == before
    page.keyboard.press("ArrowLeft")
    at_trial(page, 5)
    assert [vote.answer for vote in read_votes(votes).votes] == ["right"] * 3 + ["left"]


def test_another_server_continues_the_session(
    browser: Browser, planner: TrialPlanner, votes: Path
) -> None:
    with judge_served(planner, votes) as address:
        page = browser.new_page()
        page.goto(address)
        begin(page, "")
        page.keyboard.press(" ")
        at_trial(page, 2)
    page.keyboard.press(" ")
    expect(page.locator("#problem")).to_contain_text("srcnn judge was stopped")
    page.close()
    with judge_served(planner, votes) as address:
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("button", name="no name: 1 of 20 answered").click()
        at_trial(page, 2)
        page.close()


def test_a_vote_that_was_not_saved_can_be_given_again(
    browser: Browser, address: str, votes: Path
) -> None:
    page = browser.new_page()
    page.goto(address)
    begin(page, "Ann")
    votes.mkdir(parents=True)
    page.set_viewport_size({"width": 390, "height": 500})
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#problem")).to_contain_text("votes.csv")
    expect(page.locator("#problem")).to_be_in_viewport()
    votes.rmdir()
    page.keyboard.press("ArrowLeft")
    at_trial(page, 2)
    expect(page.locator("#problem")).to_be_empty()
    assert len(read_votes(votes).votes) == 1
    page.close()


def test_both_pictures_come_in_one_answer_and_appear_together(
    open_page: OpenPage, address: str
) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    begin(page, "Ann")
    page.keyboard.press("ArrowLeft")
    at_trial(page, 2)
    kinds = [line.split()[0] for line in asked]
    assert kinds == ["POST", "GET", "POST", "GET"]  # start, pair, answer, pair
    key = asked[1].split("/")[-2]
    assert asked[1:] == [
        f"GET {address}/sessions/{key}/1",
        f"POST {address}/sessions/{key}/1",
        f"GET {address}/sessions/{key}/2",
    ]
    assert page.locator("img").count() == 0
    sizes = page.evaluate("[left.width, left.height, right.width, right.height]")
    assert len(set(sizes)) == 1


def test_zoom_moves_both_pictures_together(open_page: OpenPage) -> None:
    page = open_page()
    begin(page, "Ann")

    def places() -> list[Any]:
        names = ("left", "right")
        boxes = [page.locator(f"#{name}").evaluate(INSIDE) for name in names]
        assert boxes[0] == boxes[1]
        return list(boxes[0])

    fitted = places()
    page.keyboard.press("+")
    page.keyboard.press("+")
    zoomed = places()
    assert zoomed[2] == pytest.approx(2 * fitted[2], abs=2)
    page.keyboard.press("Shift+ArrowRight")
    assert places()[0] < zoomed[0]
    page.locator(".pane").last.dblclick()
    assert places() == fitted
    page.locator(".pane").last.dblclick()
    assert places()[2] > fitted[2]
    page.get_by_role("button", name="Fit").click()
    assert places() == fitted
    at_trial(page, 1)  # nothing was an answer


INSIDE = """(canvas) => {
  const [box, pane] = [canvas, canvas.closest(".pane")].map((each) => each.getBoundingClientRect());
  return [box.x - pane.x, box.y - pane.y, box.width, box.height].map(Math.round);
}"""


def test_a_double_click_answers_once(open_page: OpenPage, votes: Path) -> None:
    page = open_page()
    begin(page, "Ann")
    page.get_by_role("button", name="Left").click()
    at_trial(page, 2)  # before the second click
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    page.keyboard.press("ArrowRight")
    at_trial(page, 3)
    assert [vote.answer for vote in read_votes(votes).votes] == ["left", "right"]


def test_space_on_a_button_presses_it_and_a_held_key_answers_once(
    open_page: OpenPage, votes: Path
) -> None:
    page = open_page()
    begin(page, "Ann")
    page.get_by_role("button", name="Left").focus()
    page.keyboard.press(" ")
    at_trial(page, 2)
    page.keyboard.down("ArrowRight")
    at_trial(page, 3)
    for _ in range(3):
        page.keyboard.down("ArrowRight")  # Chromium marks these as repeated
    page.keyboard.up("ArrowRight")
    page.keyboard.press("Control+ArrowLeft")
    at_trial(page, 3)
    assert [vote.answer for vote in read_votes(votes).votes] == ["left", "right"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    check_axe(page)
    begin(page, "Ann")
    check_axe(page)
    page.keyboard.press("ArrowLeft")
    at_trial(page, 2)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#unfinished")).to_be_visible()
    check_axe(page)


def check_axe(page: Page) -> None:
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_a_screen_reader_hears_the_question_the_pictures_and_the_answers(
    open_page: OpenPage,
) -> None:
    page = open_page()
    begin(page, "Ann")
    heard = page.locator("#viewer").aria_snapshot()
    for part in (
        'heading "1 of 20: Which looks better?"',
        'progressbar "1 of 20',
        '- img "Left picture"',
        '- img "Right picture"',
        '- button "No difference"',
    ):
        assert part in heard
    assert "Original" not in heard


@pytest.mark.parametrize(("width", "height"), [(390, 700), (740, 330)])
def test_a_phone_shows_the_pair_and_the_answers_without_scrolling(
    open_page: OpenPage, width: int, height: int
) -> None:
    page = open_page(viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    begin(page, "Ann")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    left, right = (page.locator(f"#{name}").bounding_box() for name in ("left", "right"))
    assert left
    assert right
    assert left["y"] == right["y"]
    assert left["width"] > 140
    button = page.get_by_role("button", name="Right").bounding_box()
    assert button
    assert button["y"] >= left["y"] + left["height"]
    assert button["y"] + button["height"] <= height
    assert button["height"] >= 44
    page.get_by_role("button", name="Right").tap()
    at_trial(page, 2)


def test_the_original_is_shown_on_request(
    browser: Browser, planner: TrialPlanner, votes: Path, picture: Callable[..., RGB8]
) -> None:
    with judge_served(planner, votes, "closer") as address:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.goto(address)
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#question")).to_have_text("1 of 20: Which is closer to the original?")
        original = drawn(page, "original")
        widths = {page.locator(f"#{name}").evaluate(INSIDE)[2] for name in ("left", "original")}
        assert len(widths) == 1
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.keyboard.press("ArrowRight")
        expect(page.locator("#question")).to_contain_text("2 of 20")
        page.close()
    (vote,) = read_votes(votes).votes
    assert planner.reader.crop("hr", vote.image, vote.crop).tobytes() == original
    assert vote.question == "closer"
    assert MOSAIC not in (vote.left, vote.right) or vote.kind == "obvious"
