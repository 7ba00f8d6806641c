"""The report in Chromium: by mouse, keys and touch."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from srcnn.images.image_io import RGB8
from srcnn.report.page import write_report
from tests.small_run import NAMES, RUN_METHODS, SCALES, make_run

pytest.importorskip("playwright", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
from playwright.sync_api import Browser, Page, expect  # noqa: E402

VIEWPORT: Any = {"width": 1280, "height": 900}
EVIL = "<img src=x onerror=alert(1)>.png", "</script><script>alert(2)</script>.png"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, picture: Callable[..., RGB8]) -> Path:
    """A page with all its pictures inside."""
    folder = tmp_path_factory.mktemp("inside")
    write_report(make_run(folder, picture), folder / "plots/report.html")
    return folder / "plots/report.html"


@pytest.fixture(scope="module")
def wrong() -> list[str]:
    """Errors and failed network requests of every page of `new_page`."""
    return []


@pytest.fixture(scope="module")
def new_page(browser: Browser, wrong: list[str]) -> Callable[..., Page]:
    """Return a function that makes an empty page in a window with these options."""

    def make(**options: Any) -> Page:
        page = browser.new_page(**{"viewport": VIEWPORT, "reduced_motion": "reduce"} | options)
        page.set_default_timeout(10_000)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url[:100]}"))
        return page

    return make


@pytest.fixture(scope="module")
def shared_page(new_page: Callable[..., Page]) -> Page:
    """The page of all tests that need no options; a new one for each would take longer."""
    return new_page()


@pytest.fixture
def open_page(
    new_page: Callable[..., Page], shared_page: Page, wrong: list[str]
) -> Iterator[Callable[..., Page]]:
    """Open a file; afterwards, no error and no failed network request may have occurred."""
    pages = []

    def open_(file: Path, **options: Any) -> Page:
        page = new_page(**options) if options else shared_page
        pages.append(page)
        page.goto(file.as_uri())
        shown(page)
        return page

    yield open_
    for page in pages:
        page.goto("about:blank")
        page.set_viewport_size(VIEWPORT)
    noted = wrong.copy()
    wrong.clear()
    assert noted == []


@pytest.fixture
def page(open_page: Callable[..., Page], file: Path) -> Page:
    return open_page(file)


def shown(page: Page) -> None:
    """Wait until both pictures are there."""
    expect(page.locator("img.loading")).to_have_count(0)


MEASURE = """() => {
  const stage = document.getElementById("stage").getBoundingClientRect();
  return ["line", "under", "over"].map((id) => {
    const { left, top, width, height } = document.getElementById(id).getBoundingClientRect();
    const place = [(left - stage.left) / stage.width, (top - stage.top) / stage.height];
    return [...place, width / stage.width, height / stage.height];
  });
}"""


def split(page: Page) -> float:
    """Where the divider is, in widths of the stage."""
    left, _, width, _ = page.evaluate(MEASURE)[0]
    return float(left + width / 2)


def boxes(page: Page) -> list[list[float]]:
    """Left, top, width and height of both pictures, in widths and heights of the stage."""
    return list(page.evaluate(MEASURE)[1:])


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse between two points of the stage, in its widths and heights."""
    page.locator("#stage").scroll_into_view_if_needed()
    box = page.locator("#stage").bounding_box()
    assert box
    (x0, y0), (x1, y1) = (
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()


def column(page: Page, number: int) -> list[str]:
    """The cells of a column of the table of all images, of the rows that are shown."""
    return page.locator(f"#rows tbody tr:visible > :nth-child({number})").all_inner_texts()


def test_the_arrow_keys_move_the_divider(page: Page) -> None:
    page.locator("#divider").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert split(page) == pytest.approx(0.52, abs=0.004)
    page.keyboard.press("Home")
    assert split(page) == pytest.approx(0, abs=0.004)
    expect(page.locator("#divider")).to_have_attribute(
        "aria-valuetext", "0 % SRCNN, MSE loss, 100 % SRCNN, perceptual loss"
    )


@pytest.mark.parametrize("height", [0.5, 0.2], ids=["at the handle", "anywhere"])
def test_the_mouse_drags_the_divider(page: Page, height: float) -> None:
    drag(page, (0.5, height), (0.25, height))
    assert split(page) == pytest.approx(0.25, abs=0.01)


def test_the_divider_clips_the_upper_picture(page: Page) -> None:
    drag(page, (0.5, 0.5), (0.75, 0.5))
    cut = page.locator("#upper").evaluate("layer => getComputedStyle(layer).clipPath")
    assert float(cut.split()[-1].rstrip("%)")) == pytest.approx(75, abs=1)


def test_methods_and_scale_are_chosen_and_swapped(page: Page) -> None:
    page.select_option("#left", "hr")
    page.select_option("#right", "lanczos")
    shown(page)
    for scale in SCALES:
        page.select_option("#scale", str(scale))
        shown(page)
        expect(page.locator("#under")).to_have_attribute("alt", f"cat.png, ×{scale}: Ground truth")
        expect(page.locator("#over")).to_have_attribute("alt", f"cat.png, ×{scale}: Lanczos")
    before = page.locator("#under").get_attribute("src")
    assert before != page.locator("#over").get_attribute("src")
    page.click("#swap")
    shown(page)
    assert page.locator("#over").get_attribute("src") == before
    expect(page.locator("#left-tag")).to_have_text("Lanczos")
    expect(page.locator("#right")).to_have_value("hr")


def test_both_scores_are_shown_with_their_difference(page: Page) -> None:
    cells = page.locator("#scores tr", has_text="LPIPS").first.locator("th, td")
    assert cells.all_inner_texts() == ["LPIPS", "0.4500", "0.4000", "−0.0500"]
    expect(cells.nth(2).locator("strong")).to_have_count(1)
    page.select_option("#right", "hr")
    assert cells.all_inner_texts() == ["LPIPS", "0.4500", "–", "–"]


def test_an_infinite_psnr_is_shown_and_sorted(
    open_page: Callable[..., Page], tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    write_report(make_run(tmp_path, picture, identical="perceptual"), tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")
    cells = page.locator("#scores tr", has_text="PSNR Y").locator("th, td")
    assert cells.all_inner_texts() == ["PSNR Y", "29.00", "∞", "+∞"]
    page.select_option("#left", "perceptual")
    assert cells.all_inner_texts() == ["PSNR Y", "∞", "∞", "0.00"]
    header = page.locator("#rows th", has_text="PSNR Y")
    column = "#rows tbody tr td:nth-child(6)"
    header.click()
    assert page.locator(column).all_inner_texts()[-2:] == ["∞", "∞"]
    header.click()
    assert page.locator(column).all_inner_texts()[:2] == ["∞", "∞"]


def test_images_are_sorted_by_the_change_of_lpips(page: Page) -> None:
    page.select_option("#order", "worst")
    assert page.locator("#strip span").all_inner_texts() == list(reversed(NAMES))
    expect(page.locator("#of")).to_contain_text(NAMES[-1])
    page.select_option("#order", "best")
    assert page.locator("#strip span").all_inner_texts() == list(NAMES)


def test_images_are_sorted_by_a_metric_of_the_right_picture(page: Page) -> None:
    page.select_option("#order", "best")
    page.select_option("#by", "psnr_y")
    assert page.locator("#strip span").all_inner_texts() == list(reversed(NAMES))
    page.select_option("#order", "listed")
    assert page.locator("#strip span").all_inner_texts() == list(NAMES)


def test_images_are_chosen_by_button_and_by_arrow_key(page: Page) -> None:
    page.get_by_label("Next image").click()
    expect(page.locator("#of")).to_contain_text(NAMES[1])
    expect(page.locator("#place")).to_have_text("2 of 3")
    page.locator("#strip :checked").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#of")).to_contain_text(NAMES[2])
    page.get_by_label("Next image").click()
    expect(page.locator("#of")).to_contain_text(NAMES[0])
    page.get_by_label("Previous image").click()
    expect(page.locator("#of")).to_contain_text(NAMES[2])
    shown(page)


def test_keys_and_buttons_zoom_both_pictures_together(page: Page) -> None:
    assert boxes(page)[0] == pytest.approx((0, 0, 1, 1), abs=0.01)
    # The picture is so small that it fits at more than the largest zoom: make the stage small.
    page.set_viewport_size({"width": 390, "height": 300})
    page.locator("#stage").focus()
    for _ in range(3):
        page.keyboard.press("+")
    under, over = boxes(page)
    assert under == pytest.approx(over)
    assert under[2] > 2
    page.keyboard.press("-")
    page.get_by_label("Zoom out").click()
    page.get_by_label("Zoom in").click()
    assert boxes(page)[0][2] == pytest.approx(under[2] / 2**0.5, rel=0.01)
    page.locator("#stage").focus()
    page.keyboard.press("0")
    assert boxes(page)[1] == pytest.approx((0, 0, 1, 1), abs=0.01)


def test_pixels_are_squares_from_twice_their_size_on(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 100})
    look = "picture => getComputedStyle(picture).imageRendering"
    assert page.locator("#over").evaluate(look) == "auto"
    page.get_by_text("Fit").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    for name in ("#under", "#over"):
        assert page.locator(name).evaluate(look) == "pixelated"


def test_a_zoomed_picture_is_moved_by_mouse_and_keys_but_not_beyond_its_edge(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 400})
    page.locator("#stage").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    left, top, _, _ = boxes(page)[0]
    drag(page, (0.5, 0.2), (0.6, 0.3))
    under, over = boxes(page)
    assert under == pytest.approx(over)
    assert under[:2] == pytest.approx((left + 0.1, top + 0.1), abs=0.02)
    assert split(page) == pytest.approx(0.5, abs=0.01)
    drag(page, (0.1, 0.1), (0.95, 0.95))
    assert boxes(page)[0][:2] == pytest.approx((0, 0), abs=0.01)
    page.keyboard.press("ArrowRight")
    assert boxes(page)[0][:2] == pytest.approx((-0.1, 0), abs=0.01)


def test_a_double_click_zooms_in_and_out_again(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 200})
    stage = page.locator("#stage")
    stage.dblclick(position={"x": 10, "y": 10})
    under, over = boxes(page)
    assert under == pytest.approx(over)
    assert under[2] > 1.1
    expect(page.locator("#zoom")).to_have_text("400 %")
    stage.dblclick(position={"x": 10, "y": 10})
    assert boxes(page)[0] == pytest.approx((0, 0, 1, 1), abs=0.01)


def test_the_table_sorts_by_a_column_both_ways(page: Page) -> None:
    head = page.locator("#rows thead th").last
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    values = [float(text) for text in column(page, 8)]
    assert values == sorted(values)
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert [float(text) for text in column(page, 8)] == values[::-1]
    page.locator("#rows thead button").first.click()
    assert column(page, 1) == sorted(column(page, 1))
    expect(page.locator("#rows [aria-sort]")).to_have_count(1)


def test_the_table_is_filtered_by_scale_and_method(page: Page) -> None:
    controls = page.locator("[data-table=rows]")
    controls.get_by_label("Scale").select_option("2")
    assert set(column(page, 2)) == {"×2"}
    controls.get_by_label("Method").select_option("lanczos")
    assert column(page, 1) == list(NAMES)
    expect(controls.locator("output")).to_have_text(
        f"3 of {len(NAMES) * len(SCALES) * len(RUN_METHODS)} rows"
    )


def test_the_table_opens_an_image_in_the_slider(page: Page) -> None:
    row = page.locator("#rows tr[data-scale='2'][data-method='bicubic'][data-image='0012']")
    row.get_by_role("button").click()
    shown(page)
    expect(page.locator("#over")).to_have_attribute("alt", "cup.png, ×2: Bicubic")
    expect(page.locator("#stage")).to_be_focused()
    expect(page.locator("#scale")).to_have_value("2")


def test_a_claim_opens_by_key(page: Page) -> None:
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details td").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_either_theme(
    open_page: Callable[..., Page], file: Path, scheme: str
) -> None:
    page = open_page(file, color_scheme=scheme)
    page.locator("summary").first.click()
    for _ in range(2):
        found = axe.Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        page.click("#theme")


def test_the_theme_is_the_system_s_until_the_button_is_pressed(
    open_page: Callable[..., Page], file: Path
) -> None:
    page = open_page(file, color_scheme="dark")
    colour = "() => getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(colour)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colour)
    assert light != dark
    page.click("#theme")
    assert page.evaluate(colour) == dark
    page.click("#theme")
    assert page.evaluate(colour) == light


def test_a_phone_shows_it_without_scrolling_sideways_and_zooms_by_pinch(
    open_page: Callable[..., Page], file: Path
) -> None:
    page = open_page(file, viewport={"width": 390, "height": 500}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#stage").scroll_into_view_if_needed()
    box = page.locator("#stage").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 4
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *apart: float) -> None:
        points = [{"x": x + offset, "y": y, "id": place} for place, offset in enumerate(apart)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", -30, 30)
    send("touchMove", -40, 40)
    send("touchMove", -60, 60)
    send("touchEnd")
    under, over = boxes(page)
    assert under == pytest.approx(over)
    assert under[2] == pytest.approx(2, rel=0.05)
    send("touchStart", 0)
    send("touchMove", -30)
    send("touchEnd")
    assert boxes(page)[0][0] == pytest.approx(under[0] - 30 / box["width"], abs=0.02)


def test_linked_pictures_load_when_they_are_opened(
    open_page: Callable[..., Page], tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    write_report(make_run(tmp_path, picture), tmp_path / "plots/report.html", limit=0)
    page = open_page(tmp_path / "plots/report.html")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(Path(request.url).name))
    page.get_by_label("Next image").click()
    shown(page)
    assert asked == ["0012.png", "0012.png"]
    assert page.locator("#under").evaluate("picture => picture.naturalWidth") == 64
    assert (page.locator("#files a").first.get_attribute("href") or "").startswith("../data/sr/x4/")


def test_a_missing_linked_picture_is_named(
    browser: Browser, tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    write_report(make_run(tmp_path, picture), tmp_path / "plots/report.html", limit=0)
    shutil.rmtree(tmp_path / "data")
    page = browser.new_page()
    page.goto((tmp_path / "plots/report.html").as_uri())
    expect(page.locator("#problem")).to_contain_text("/0011.png next to this page")
    page.close()


def test_html_in_file_names_does_nothing(
    open_page: Callable[..., Page], tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    write_report(make_run(tmp_path, picture, EVIL), tmp_path / "plots/report.html")
    page = open_page(tmp_path / "plots/report.html")
    assert page.locator("#strip span").all_inner_texts() == list(EVIL)
    page.locator("#strip label").last.click()
    expect(page.locator("#of")).to_have_text(f"{EVIL[1]}, ×4")
    expect(page.locator("[onerror]")).to_have_count(0)
    shown(page)
