"""A study's page in headless Chromium: it asks for nothing, the tables sort, the figures enlarge, the player moves."""

import io

import numpy as np
import pytest
from PIL import Image

from qpm.report.render import make
from tests.browser import chromium
from tests.report.clips import FRAMES, write_study_with_clips
from tests.report.conftest import make_study

ABSENT = [2, 3]  # frames without the object


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    study = make_study()
    study.report = ("ablation", "policies")
    folder = write_study_with_clips(tmp_path_factory.mktemp("results") / "fabricated", absent=ABSENT)
    return make(folder, study).page.as_uri()


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser, address):
    """The open page; at the end, that it said nothing on the console and fetched nothing but itself."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    said, fetched = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(address)
    yield page
    assert said == []
    assert [url for url in fetched if not url.startswith("data:")] == [address]
    page.close()


def part(page, name):
    return page.locator(f'[data-part="{name}"]')


def shown_frame(page) -> str:
    return part(page, "place").inner_text()


def place(index: int) -> str:
    """What the player says of a frame: its name in the figures, and that of the last one."""
    return f"frame {index:05d} / {FRAMES - 1:05d}"


def test_arrow_keys_move_the_player_and_stop_at_its_ends(page):
    page.locator(".player").focus()
    first = part(page, "picture").get_attribute("src")
    page.keyboard.press("ArrowLeft")
    assert shown_frame(page) == place(0)
    page.keyboard.press("ArrowRight")
    assert shown_frame(page) == place(1) and part(page, "picture").get_attribute("src") != first
    page.keyboard.press("End")
    assert shown_frame(page) == place(FRAMES - 1)
    page.keyboard.press("Home")
    assert shown_frame(page) == place(0) and part(page, "picture").get_attribute("src") == first


def test_the_slider_scrubs_and_an_arrow_moves_it_by_one(page):
    part(page, "slider").fill("3")
    assert shown_frame(page) == place(3)
    part(page, "slider").press("ArrowRight")
    assert shown_frame(page) == place(4)
    assert part(page, "slider").get_attribute("aria-valuetext") == f"frame 00004 of {FRAMES - 1:05d}"


def test_the_given_frame_is_said_to_be_given(page):
    kept = part(page, "readout").locator("td:nth-child(4)")
    assert kept.all_inner_texts() == ["given", "given"]
    part(page, "slider").fill("1")
    assert set(kept.all_inner_texts()) <= {"yes", "no"}


def test_frames_without_the_object_are_shaded_and_called_absent(page):
    iou = part(page, "readout").locator("td:nth-child(2)")
    for index in range(FRAMES):
        part(page, "slider").fill(str(index))
        assert [text == "absent" for text in iou.all_inner_texts()] == [index in ABSENT] * 2
        assert "absent" not in part(page, "readout").locator("td:nth-child(3)").all_inner_texts()
    shades = page.eval_on_selector_all(".chart .shade", "all => all.map((each) => Number(each.getAttribute('x')))")
    assert shades == [1000 * (index - 0.5) / (FRAMES - 1) for index in ABSENT]
    assert page.locator(".legend").get_by_text("object absent").is_visible()


def test_the_gates_differ_in_their_lines_as_the_legend_says(page):
    dashes = [
        page.eval_on_selector(f".chart .{line}", "line => getComputedStyle(line).strokeDasharray")
        for line in ("dashed", "dotted")
    ]
    assert len(set(dashes)) == 2 and "none" not in dashes
    words = page.locator(".legend span").all_inner_texts()
    assert [text for text in words if "σ" in text] == ["dashed: σm = 0.7", "dotted: σen = 0.65"]


def test_the_menu_has_the_order_of_the_page(page):
    targets = page.locator("nav a").evaluate_all("links => links.map((each) => each.hash.slice(1))")
    sections = page.locator("main > section").evaluate_all("all => all.map((each) => each.id)")
    assert targets == [name for name in sections if name in targets] and targets[1] == "player"


def test_a_mask_is_chosen_by_button_and_by_number(page):
    pictures = {}
    for key, name in {"1": "stm", "2": "qpm", "3": "truth"}.items():
        page.locator(f'[data-mask="{name}"]').click()
        pictures[name] = part(page, "mask").get_attribute("src")
        page.locator('[data-mask=""]').click()
        assert part(page, "mask").get_attribute("src") is None and not part(page, "mask").is_visible()
        page.keyboard.press(key)
        assert part(page, "mask").get_attribute("src") == pictures[name]
        assert page.locator(f'[data-mask="{name}"]').get_attribute("aria-pressed") == "true"
    assert len(set(pictures.values())) == 3


def test_the_outline_and_the_score_are_switched_off_and_on(page):
    page.locator(".player").focus()
    for key, name, layer in (("o", "toggle-rim", "rim"), ("s", "toggle-score", "numbers")):
        assert part(page, layer).is_visible()
        page.keyboard.press(key)
        assert not part(page, layer).is_visible() and part(page, name).get_attribute("aria-pressed") == "false"
        part(page, name).click()
        assert part(page, layer).is_visible()


def test_space_plays_and_stops(page):
    page.locator(".player").focus()
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('[data-part=slider]').value > 1")
    page.keyboard.press(" ")
    assert part(page, "play").inner_text() == "Play"


def test_another_video_begins_at_its_first_frame(page):
    part(page, "slider").fill("3")
    first = part(page, "picture").get_attribute("alt")
    part(page, "choice").select_option("1")
    assert shown_frame(page) == place(0) and part(page, "picture").get_attribute("alt") != first


def test_a_click_on_the_chart_goes_to_that_frame(page):
    box = part(page, "chart").bounding_box()
    part(page, "chart").click(position={"x": box["width"] * 0.8, "y": box["height"] / 2})
    assert shown_frame(page) == place(4)


def column(page, number) -> list[str]:
    return page.locator(f"#ablation tbody td:nth-child({number})").all_inner_texts()


def test_a_table_sorts_up_down_and_back_with_unmeasured_cells_last(page):
    heading = page.locator("#ablation th", has_text="Measured")
    place = 1 + page.locator("#ablation th").all_inner_texts().index(heading.inner_text())
    printed = column(page, place)
    numbers = sorted((text for text in printed if text), key=lambda text: float(text.replace("−", "-")))
    empty = [""] * (len(printed) - len(numbers))
    assert len(numbers) == 2 and len(empty) == 2
    for order, expected in (("ascending", numbers), ("descending", numbers[::-1]), (None, None)):
        heading.get_by_role("button").press("Enter")
        assert heading.get_attribute("aria-sort") == order
        assert column(page, place) == (printed if expected is None else expected + empty)


def test_a_figure_enlarges_and_escape_closes_it(page):
    page.locator(".enlarge").first.click()
    large = page.locator("#zoom img")
    assert large.is_visible() and large.get_attribute("alt") == page.locator(".enlarge img").first.get_attribute("alt")
    before = large.bounding_box()["width"]
    page.keyboard.press("+")
    assert large.bounding_box()["width"] == pytest.approx(1.4 * before, rel=0.01)
    page.keyboard.press("Escape")
    assert not large.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_400_pixels_nothing_overflows_and_text_has_contrast(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    for selector in ("body", ".caption", "a", ".controls button[aria-pressed=true]", "th button", "dt", ".legend span"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page, selector) -> float:
    """WCAG contrast of an element's text with what lies behind it."""
    ink, ground = page.eval_on_selector(
        selector,
        """element => {
          const ground = (node) => {
            const colour = getComputedStyle(node).backgroundColor;
            return colour !== "rgba(0, 0, 0, 0)" || !node.parentElement ? colour : ground(node.parentElement);
          };
          return [getComputedStyle(element).color, ground(element)].map((c) => c.match(/[\\d.]+/g).map(Number));
        }""",
    )
    bright, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour) -> float:
    parts = [value / 255 for value in colour[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_shadow_tells_at_which_edge_a_wide_table_goes_on(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 800})
    assert shadows(page) == (False, True)
    page.eval_on_selector("#ablation .scroll", "table => { table.scrollLeft = 60 }")
    assert shadows(page) == (True, True)
    page.eval_on_selector("#ablation .scroll", "table => { table.scrollLeft = 9999 }")
    assert shadows(page) == (True, False)
    page.set_viewport_size({"width": 1280, "height": 800})
    assert shadows(page) == (False, False)


def shadows(page) -> tuple[bool, bool]:
    """Whether the background is other than the page's beside the first column, and at the right edge, below a cell."""
    page.add_style_tag(content="#ablation td:not(:first-child), #ablation th { color: transparent !important }")
    table = page.locator("#ablation .scroll")
    picture = np.asarray(Image.open(io.BytesIO(table.screenshot())).convert("RGB")).astype(int)
    named = page.locator("#ablation td").first.bounding_box()["width"]
    row = picture[-12]
    return tuple(bool(abs(row[place] - picture[-12, 2]).max() > 30) for place in (int(named) + 2, -2))


def test_figures_are_dimmed_on_a_dark_screen_only_and_keep_their_colours(page):
    look = "image => [getComputedStyle(image).filter, getComputedStyle(image).paddingLeft]"
    assert page.eval_on_selector(".enlarge img", look) == ["none", "0px"]
    page.emulate_media(color_scheme="dark")
    dimmed, around = page.eval_on_selector(".enlarge img", look)
    assert dimmed.startswith("brightness(0.8") and around != "0px"
    page.emulate_media(color_scheme="dark", media="print")
    assert page.eval_on_selector(".enlarge img", look) == ["none", "0px"]
