"""The canvas by itself, in a bare page: what it draws is what it was sent; pointing, sketching, layout."""

import numpy as np
import pytest

from helpers.plots.canvas import HERE, looks_by_name
from helpers.plots.frame import (
    Arrows,
    Axis,
    Bars,
    Frame,
    Image,
    Line,
    Panel,
    Steps,
    Text,
    beside,
    grid,
    layer_axis,
    packed,
    stacked,
)

MODULE = (HERE / "canvas.js").read_text("utf-8")
OPEN = """async ([source, style]) => {
    const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    window.canvas = await import(address);
    window.calls = [];
    for (const name of ['moveTo', 'lineTo', 'arc', 'fillRect', 'strokeText', 'fillText']) {
        const drawn = CanvasRenderingContext2D.prototype[name];
        CanvasRenderingContext2D.prototype[name] = function (...numbers) {
            const shown = this.canvas.className === 'td-canvas';
            const call = [name, this.fillStyle, this.strokeStyle, ...numbers];
            if (shown) calls.push(Object.assign(call, { font: this.font }));
            return drawn.apply(this, numbers);
        };
    }
    window.sketched = [];
    const root = document.getElementById('root');
    window.figure = new canvas.Figure(root, style, values => sketched.push(values));
}"""
SHOW = """([structure, strings, numbers, pixels]) => {
    window.calls.length = 0;
    const sent = { numbers: new Float32Array(numbers), pixels: new Uint8Array(pixels) };
    figure.show(canvas.unpack({ structure, strings, ...sent }));
}"""
WHERE = "() => figure.boxes.map(({ x, y, w, h }) => [x, y, w, h])"
COLOR_AT = """([x, y]) => {
    const { width, style } = figure.canvas, density = width / parseFloat(style.width);
    return [...figure.canvas.getContext('2d').getImageData(x * density, y * density, 1, 1).data].slice(0, 3);
}"""

WIDTH_OF = """words => {
    const font = calls.findLast(([name, , , told]) => name === 'fillText' && told === words).font;
    const ctx = document.createElement('canvas').getContext('2d');
    ctx.font = font;
    return ctx.measureText(words).width;
}"""
REMEMBERED = "word => Object.defineProperty(window, 'localStorage', { value: { getItem: () => word } })"


class Page:
    """A page with one figure."""

    def __init__(self, browser, width=960, **options):
        self.page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.set_content("<body style='margin: 0; color: black'><div id='root'></div></body>")
        self.page.add_style_tag(content=(HERE / "canvas.css").read_text("utf-8"))
        self.page.evaluate(OPEN, [MODULE, looks_by_name()])

    def show(self, frame):
        structure, strings, numbers, pixels = packed(frame)
        numbers = [None if np.isnan(value) else float(value) for value in numbers]  # JSON has no nan
        self.page.evaluate(
            SHOW.replace("(numbers)", "(numbers.map(n => n ?? NaN))"),
            [structure, strings, numbers, pixels.tolist()],
        )

    def calls(self, name):
        return [call[1:] for call in self.page.evaluate("() => calls") if call[0] == name]

    def boxes(self):
        return self.page.evaluate(WHERE)

    def color_at(self, x, y):
        return "#" + "".join(f"{part:02x}" for part in self.page.evaluate(COLOR_AT, [x, y]))

    def place(self, panel, x, y, k=0):
        """Return where a point of panel `k` stands, in pixels."""
        left, top, width, height = self.boxes()[k]
        (x0, x1), (y0, y1) = panel.x.ends, panel.y.ends
        across, up = panel.x.scaled(x), panel.y.scaled(y)
        return left + (across - x0) / (x1 - x0) * width, top + height - (up - y0) / (y1 - y0) * height


@pytest.fixture(scope="module")
def page(browser):
    page = Page(browser)
    yield page
    assert page.errors == []
    page.page.close()


def layers(values, look="measured", label="measured", **options):
    x, y = layer_axis(len(values)), Axis(1e-4, 10, log=True)
    return Panel((Line(range(1, len(values) + 1), values, look, label),), "std of h", x, y, **options)


STD = [1.0, 0.3, 0.05, 0.002, 3.0]


def test_a_line_and_its_markers_stand_where_the_numbers_are(page):
    panel = layers(STD)
    page.show(Frame((panel,), 300))
    wanted = np.transpose(page.place(panel, np.arange(1, 6), STD))
    dots = np.array([call[2:4] for call in page.calls("arc")])
    np.testing.assert_allclose(dots, wanted, atol=0.02)
    line = {tuple(np.round(call[2:], 1)) for call in page.calls("lineTo")}
    assert {tuple(np.round(point, 1)) for point in wanted[1:]} <= line
    assert page.color_at(*wanted[2]) == "#0072b2"


def test_a_line_breaks_where_nothing_can_be_drawn(page):
    page.show(Frame((layers([1.0, 0.5, np.nan, 0.0, 0.1]),), 300))
    assert len(page.calls("arc")) == 3
    panel = layers([1.0, 0.5, np.nan, 0.0, 0.1])
    (x, y) = np.transpose(page.place(panel, [5], [0.1]))[0]
    assert [round(v, 1) for v in (x, y)] in [[round(v, 1) for v in call[2:]] for call in page.calls("moveTo")]


def test_steps_bars_and_images_fill_their_places(page):
    steps = Panel((Steps([1, 3, 2], 0, 3),), "steps", Axis(0, 3), Axis(0, 4))
    bars = Panel((Bars([0], [2], [1], [3], "strong bars"),), "bars", Axis(0, 4), Axis(0, 4))
    image = Panel(
        (Image([[0, 1], [np.nan, 0.5]], (0, 2, 0, 2), "gray"),), "image", Axis(0, 2), Axis(0, 2), bare=True
    )
    page.show(Frame(beside(steps, bars, image), 300))
    seen = [
        page.color_at(*page.place(steps, 1.5, 2.5, 0)),
        page.color_at(*page.place(steps, 0.5, 2.5, 0)),
        page.color_at(*page.place(bars, 1.5, 2.6, 1)),
        page.color_at(*page.place(bars, 3.1, 2.6, 1)),
        page.color_at(*page.place(image, 0.5, 1.5, 2)),  # the first row is on top
        page.color_at(*page.place(image, 1.5, 1.5, 2)),
        page.color_at(*page.place(image, 0.5, 0.5, 2)),
    ]
    assert seen == ["#56b4e9", "#000000", "#0072b2", "#000000", "#000000", "#ffffff", "#000000"]
    gray = int(page.color_at(*page.place(image, 1.5, 0.5, 2))[1:3], 16)
    assert abs(gray - 128) < 3
    y = page.place(bars, 1, 3, 1)[1]
    assert any(abs(call[3] - y) < 0.02 for call in page.calls("fillRect"))


def test_an_image_on_an_axis_upside_down_is_drawn_so(page):
    panel = Panel((Image([[0], [1]], (0, 1, 2, 0), "gray"),), "", Axis(0, 1), Axis(2, 0), bare=True)
    page.show(Frame((panel,), 200))
    assert page.color_at(*page.place(panel, 0.5, 0.5)) == "#000000"
    assert page.color_at(*page.place(panel, 0.5, 1.5)) == "#ffffff"


def test_words_arrows_and_titles_are_written(page):
    marks = (Text([1, 2], [1, 1], ("left", "two\nlines"), lift=5), Arrows([0], [0], [1], [1]))
    page.show(Frame((Panel(marks, "the title", Axis(0, 3), Axis(0, 3, label="up")),), 300, "a sentence"))
    written = [call[2] for call in page.calls("fillText")]
    assert {"left", "two", "lines", "the title", "up"} <= set(written)
    assert page.page.locator(".td-words").inner_text() == "a sentence"
    panel = Panel((), "", Axis(0, 3), Axis(0, 3))
    tip = np.round(np.ravel(page.place(panel, 1, 1)), 1).tolist()
    assert tip in [np.round(call[2:], 1).tolist() for call in page.calls("lineTo")]


def test_words_are_made_smaller_until_they_fit(page):
    words = ("one", "a much longer one")
    for within, fits in ((0, False), (1, True), (9, False)):
        text = Text([5, 5], [2, 8], words, within=within)
        panel = Panel((text,), "", Axis(0, 10), Axis(0, 10), bare=True)
        page.show(Frame((panel,), 300))
        width = page.page.evaluate(WIDTH_OF, words[1])
        room = page.place(panel, within, 0)[0] - page.place(panel, 0, 0)[0]
        assert (abs(width - room) < 1) == fits
        assert width <= room or not within


def test_the_legend_names_every_label_once(page):
    page.show(Frame(beside(layers(STD), layers(STD, "predicted", "predicted"), layers(STD)), 300))
    assert page.page.locator(".td-legend span").all_inner_texts() == ["measured", "predicted"]


def test_numbers_are_told_in_words(page):
    page.show(Frame((layers(STD),), 300, readout=(("std of h, layer 10", "0.23"), ("loss", "overflow"))))
    told = page.page.locator(".td-number").all_inner_texts()
    assert told == ["std of h, layer 10: 0.23", "loss: overflow"]
    assert page.page.locator(".td-readout").get_attribute("role") == "status"


def several():
    shown = [
        Panel((Steps([1, 2], -1, 1),), f"layer {i}", Axis(-1, 1), Axis(0, 2, ticks=()), about=("layer", i))
        for i in range(1, 6)
    ]
    return Frame(
        stacked(grid(shown, 5), beside(layers(STD), layers(STD[::-1], "predicted", "predicted"))), 400
    )


def test_pointing_at_a_layer_marks_it_everywhere_and_tells_its_numbers(page):
    frame = several()
    page.show(frame)
    x, y = page.place(frame.panels[5], 3.2, 1.0, 5)
    page.page.mouse.move(x, y + page.page.locator(".td-canvas").bounding_box()["y"])
    told = page.page.locator(".td-told")
    assert told.inner_text() == "layer 3 · std of h: measured 0.05 · std of h: predicted 0.05"
    left, top, width, height = page.boxes()[2]
    page.page.mouse.move(
        left + width / 2, top + height / 2 + page.page.locator(".td-canvas").bounding_box()["y"]
    )
    assert told.inner_text().startswith("layer 3 ")
    page.page.mouse.move(5, 890)
    assert told.inner_text() == ""


def test_arrow_keys_do_the_same(page):
    page.show(several())
    page.page.locator(".td-canvas").focus()
    told = page.page.locator(".td-told")
    page.page.keyboard.press("ArrowRight")
    assert told.inner_text().startswith("layer 1 · std of h: measured 1 ")
    page.page.keyboard.press("ArrowRight")
    assert told.inner_text().startswith("layer 2 ")
    page.page.keyboard.press("ArrowLeft")
    page.page.keyboard.press("ArrowLeft")
    assert told.inner_text().startswith("layer 1 ")
    page.page.keyboard.press("Escape")
    assert told.inner_text() == ""
    assert "Arrow keys go from layer to layer" in page.page.locator(".td-canvas").get_attribute("aria-label")


def test_a_guess_is_drawn_in_with_the_mouse(page):
    panel = Panel((), "your guess", layer_axis(5), Axis(1e-4, 10, log=True), sketch=True)
    page.show(Frame((panel,), 300))
    page.page.evaluate("() => { sketched.length = 0; figure.sketch = {} }")
    down = page.page.locator(".td-canvas").bounding_box()["y"]
    mouse = page.page.mouse
    for step, (layer, value) in enumerate(((1, 1.0), (3, 0.01), (5, 0.0001))):
        x, y = page.place(panel, layer, value)
        mouse.move(x, y + down)
        if not step:
            mouse.down()
    mouse.up()
    (values,) = page.page.evaluate("() => sketched")
    np.testing.assert_allclose(np.log10(values), [0, -1, -2, -3, -4], atol=0.05)


def test_a_guess_is_drawn_in_with_keys(page):
    panel = Panel((), "your guess", layer_axis(3), Axis(0, 1), sketch=True)
    page.show(Frame((panel,), 300))
    page.page.evaluate("() => { sketched.length = 0; figure.sketch = {}; figure.mark(null) }")
    page.page.locator(".td-canvas").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp"):
        page.page.keyboard.press(key)
    assert page.page.evaluate("() => sketched.at(-1)") == [None, 0.55, None]


@pytest.mark.parametrize("width", [360, 600, 800, 960, 1600])
@pytest.mark.parametrize("large", [False, True])
def test_panels_never_overlap_and_stay_on_the_page(browser, width, large):
    page = Page(browser, width)
    page.page.evaluate(REMEMBERED, "on" if large else "off")
    page.show(several())
    boxes = np.array(page.boxes())
    assert len(boxes) == 7
    assert (boxes[:, 2:] > 30).all()
    assert (boxes[:, 0] >= 0).all()
    assert (boxes[:, 0] + boxes[:, 2] <= width).all()
    for k, (x, y, w, h) in enumerate(boxes):
        for X, Y, W, H in boxes[:k]:
            assert x >= X + W or x + w <= X or y >= Y + H or y + h <= Y
    assert page.errors == []
    page.page.close()


def test_a_dark_page_has_light_colors(browser):
    page = Page(browser)
    page.page.evaluate(
        "() => { document.body.style.color = 'white'; document.body.style.background = 'black' }"
    )
    panel = layers(STD)
    page.show(Frame((panel,), 300))
    assert page.color_at(*page.place(panel, 3, 0.05)) == "#4db2f0"
    page.page.close()


def test_the_canvas_is_crisp_on_a_dense_screen(browser):
    page = Page(browser, device_scale_factor=2)
    page.show(Frame((layers(STD),), 300))
    size = page.page.evaluate("() => [figure.canvas.width, figure.canvas.height, figure.canvas.style.width]")
    assert size == [1920, 600, "960px"]
    page.page.close()


@pytest.mark.parametrize(("width", "rows"), [(700, 1), (360, 2)])
def test_on_a_phone_panels_are_as_wide_as_their_words(browser, width, rows):
    title = "a title that is no less than forty letters"
    panels = [
        Panel((Line(range(3), range(3), "zero"),), title, Axis(0, 2), Axis(0, 2, ticks=())) for _ in range(2)
    ]
    page = Page(browser, width)
    page.show(Frame(beside(*panels), 200))
    assert len({round(y) for _, y, _, _ in page.boxes()}) == rows
    assert page.errors == []
