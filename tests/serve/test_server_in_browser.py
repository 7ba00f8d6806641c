"""The page of `srcnn serve` in Chromium, used by mouse, keys and touch."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from srcnn.images.image_io import RGB8
from srcnn.serve import application, upscale_queue
from srcnn.upscaling.released_networks import load
from srcnn.upscaling.target_size import TargetSize
from srcnn.upscaling.upscale import upscale_file
from srcnn.upscaling.upscale_jobs import Job
from tests.browser_pages import opened_pages
from tests.serving_page import Gate, page_served

pytest.importorskip("playwright", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
from playwright.sync_api import Browser, Locator, Page, expect  # noqa: E402

expect.set_options(timeout=20_000)  # on machines that have much else to do

EVIL = "<img src=x onerror=alert(1)>.png"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, picture: Callable[..., RGB8]) -> Path:
    """A folder of photographs, and what is none."""
    folder = tmp_path_factory.mktemp("files")
    image = Image.fromarray(picture(120, 160))
    for name in ("cat.png", "Größe.jpg", "rocket.tif", EVIL):
        image.save(folder / name)
    (folder / "broken.png").write_bytes((folder / "cat.png").read_bytes()[:-900])
    (folder / "words.png").write_text("words")
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with page_served(tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page; in the end, nothing may have been wrong or asked of another server."""
    refused = "422"  # as which Chromium notes the refusal of a bad file
    with opened_pages(browser, address, refused) as open_:
        yield open_


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


def line(page: Page, name: str) -> Locator:
    """A photograph's line in the list."""
    return page.locator("#list li").filter(has_text=name)


def shown(page: Page) -> None:
    """Wait until both pictures are there."""
    expect(page.locator("#viewer")).to_be_visible()
    expect(page.locator("img.loading")).to_have_count(0)
    for name in ("#under", "#over"):
        assert page.locator(name).evaluate("picture => picture.naturalWidth") > 0


def give(page: Page, kind: str, *files: Path) -> None:
    """Drop files on the page, or paste them."""
    content = [(file.name, b64encode(file.read_bytes()).decode()) for file in files]
    page.evaluate(
        """([kind, files]) => {
          const given = new DataTransfer();
          for (const [name, content] of files) {
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            given.items.add(new File([bytes], name));
          }
          const about = { bubbles: true, cancelable: true };
          document.body.dispatchEvent(kind === "paste"
            ? new ClipboardEvent(kind, { ...about, clipboardData: given })
            : new DragEvent(kind, { ...about, dataTransfer: given }));
        }""",
        [kind, content],
    )


def test_a_photograph_is_dropped_upscaled_compared_and_downloaded(
    page: Page, files: Path, tmp_path: Path
) -> None:
    expect(page.locator("#go")).to_be_disabled()
    give(page, "dragover")
    expect(page.locator("body")).to_have_class("dropping")
    give(page, "drop", files / "Größe.jpg")
    expect(page.locator("body")).to_have_class("")
    expect(line(page, "Größe.jpg")).to_contain_text("not upscaled yet")
    page.get_by_label("×4").check()
    page.get_by_label("Strength").fill("0.5")
    page.get_by_role("button", name="Upscale").click()
    expect(line(page, "Größe.jpg")).to_contain_text("×4, strength 0.5: 640 × 480 pixels")
    shown(page)
    expect(page.locator("#right-tag")).to_have_text("After: SRCNN ×4, strength 0.5")
    expect(page.locator("#news")).to_have_text("Größe.jpg is upscaled")
    for name in ("#under", "#over"):
        assert page.locator(name).evaluate("picture => picture.naturalWidth") == 640

    page.locator("#divider").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    divider = page.get_by_role("slider", name="Divider between before and after")
    expect(divider).to_have_attribute("aria-valuetext", "52 % before, 48 % after")
    for name, edge in (("#lower", "inset(0px 48% 0px 0px)"), ("#upper", "inset(0px 0px 0px 52%)")):
        cut = page.locator(name).evaluate("layer => getComputedStyle(layer).clipPath")
        assert cut.replace("calc(100% - 52%)", "48%") == edge

    with page.expect_download() as download:
        page.get_by_text("Download").click()
    assert download.value.suggested_filename == "Größe_x4.jpg"
    download.value.save_as(tmp_path / "got.jpg")
    job = Job(files / "Größe.jpg", tmp_path / "made.jpg", "jpeg", TargetSize(4))
    upscale_file(job, [load(4, 0.5)], force=False, allow_large=False)
    assert (tmp_path / "got.jpg").read_bytes() == (tmp_path / "made.jpg").read_bytes()


def test_several_photographs_are_upscaled_and_bad_ones_report_why(page: Page, files: Path) -> None:
    names = "cat.png", "broken.png", "rocket.tif", "words.png", EVIL
    page.set_input_files("#choose", [files / name for name in names])
    page.get_by_role("button", name="Upscale 5 photographs").click()
    expect(line(page, "broken.png")).to_contain_text("damaged or cut short")
    expect(line(page, "words.png")).to_contain_text("not a readable PNG, JPEG, WebP, TIFF, BMP")
    for name in ("cat.png", "rocket.tif", EVIL):
        expect(line(page, name)).to_contain_text("×2, strength 1: 320 × 240 pixels")
    shown(page)  # whichever was done first
    expect(page.locator("#go")).to_be_disabled()
    page.get_by_role("button", name="rocket.tif", exact=True).click()
    expect(page.locator("#result-name")).to_have_text("rocket_x2.tif")
    shown(page)
    page.get_by_role("button", name=EVIL, exact=True).click()
    expect(page.locator("#result-name")).to_have_text(EVIL.replace(".png", "_x2.png"))
    expect(page.locator("[onerror]")).to_have_count(0)
    shown(page)
    page.get_by_label("Remove broken.png").click()
    expect(page.locator("#list li")).to_have_count(4)
    expect(page.get_by_label("Remove rocket.tif")).to_be_focused()


def test_other_settings_upscale_the_shown_photograph_again(page: Page, files: Path) -> None:
    give(page, "paste", files / "cat.png")
    page.locator("#go").click()
    shown(page)
    before = page.locator("#over").get_attribute("src")
    page.get_by_label("Strength").fill("0")
    page.get_by_role("button", name="Upscale again").click()
    expect(line(page, "cat.png")).to_contain_text("strength 0: 320 × 240")
    shown(page)
    assert page.locator("#over").get_attribute("src") != before
    expect(page.locator("#go")).to_be_disabled()
    page.get_by_label("Remove cat.png").click()
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#files")).to_be_hidden()


def test_waiting_and_running_photographs_can_be_cancelled(
    browser: Browser, files: Path, tmp_path: Path, gate: Gate
) -> None:
    names = "cat.png", "rocket.tif"
    with page_served(tmp_path) as address:
        page = browser.new_page()
        page.goto(address)
        page.set_input_files("#choose", [files / name for name in names])
        page.locator("#go").click()
        expect(line(page, "cat.png")).to_contain_text("upscaling")
        expect(line(page, "rocket.tif")).to_contain_text("waiting, 1 ahead")
        page.get_by_label("Cancel rocket.tif").click()
        page.get_by_label("Cancel cat.png").click()
        for name in names:
            expect(line(page, name)).to_contain_text("not upscaled yet")
        gate.open()
        page.get_by_role("button", name="Upscale 2 photographs").click()
        for name in names:
            expect(line(page, name)).to_contain_text("320 × 240 pixels")
        page.close()


def test_a_file_that_is_too_large_is_not_sent(
    open_page: Callable[..., Page], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "UPLOAD_BYTES", 1000)
    page = open_page()
    page.set_input_files("#choose", files / "cat.png")
    expect(line(page, "cat.png")).to_contain_text("is larger than the upload limit of 0.001 MB")
    expect(page.locator("#go")).to_be_disabled()


def test_a_stopped_server_is_reported(browser: Browser, files: Path, tmp_path: Path) -> None:
    with page_served(tmp_path) as address:
        page = browser.new_page()
        page.goto(address)
        page.set_input_files("#choose", files / "cat.png")
    page.locator("#go").click()
    expect(line(page, "cat.png")).to_contain_text("no answer: srcnn serve was stopped")
    expect(page.locator("#go")).to_be_enabled()  # to try again
    page.close()


def test_a_deleted_result_can_be_made_again(
    browser: Browser, address: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upscale_queue, "MAX_KEPT", 1)
    page = browser.new_page()
    page.goto(address)
    for count, name in enumerate(("cat.png", "rocket.tif"), 1):
        page.set_input_files("#choose", files / name)
        page.locator("#go").click()
        expect(page.locator("li.done")).to_have_count(count)
        page.get_by_role("button", name=name, exact=True).click()
        shown(page)
    page.get_by_role("button", name="cat.png", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("Upscale the photograph again")
    page.get_by_role("button", name="Upscale").click()
    shown(page)
    expect(page.locator("#problem")).to_be_empty()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Callable[..., Page], files: Path, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    for names in ((), ("cat.png", "words.png")):
        page.set_input_files("#choose", [files / name for name in names])
        if names:
            page.locator("#go").click()
            shown(page)
            expect(page.locator("li.failed")).to_have_count(1)
            page.set_input_files("#choose", files / "rocket.tif")
        found = axe.Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_a_phone_shows_it_without_scrolling_sideways_and_the_divider_follows_a_finger(
    open_page: Callable[..., Page], files: Path
) -> None:
    page = open_page(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    page.set_input_files("#choose", files / "cat.png")
    page.locator("#go").tap()
    shown(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#stage").scroll_into_view_if_needed()
    box = page.locator("#stage").bounding_box()
    assert box
    touch = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 4
    for kind, at in (("touchStart", 0.5), ("touchMove", 0.4), ("touchMove", 0.25)):
        point = {"x": box["x"] + at * box["width"], "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.evaluate("view.split") == pytest.approx(0.25, abs=0.02)


def test_the_pictures_zoom_to_their_pixels_and_back(page: Page, files: Path) -> None:
    page.set_viewport_size({"width": 300, "height": 400})
    page.set_input_files("#choose", files / "cat.png")
    page.get_by_label("×4").check()
    page.locator("#go").click()
    shown(page)
    page.get_by_text("1 : 1").click()
    expect(page.locator("#zoom")).to_have_text("100 %")
    assert page.locator("#over").evaluate("picture => picture.clientWidth") == 640
    page.locator("#stage").focus()
    page.keyboard.press("0")
    assert page.locator("#over").evaluate("picture => picture.clientWidth") < 300
