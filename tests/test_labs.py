"""Every lab of the course, without a browser: hundreds of settings, extremes included, repeatability.

A lab added to `helpers.labs.MODULES` is tested here without another line.
"""

import random
import warnings
from io import BytesIO
from itertools import combinations, product
from threading import Thread

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from helpers import labs, live, style

NAMES = sorted(labs.MODULES)
FULL_GRID = 300  # a lab with more combinations of extremes than this is tested on all pairs of them
RANDOM_SETTINGS = 20
MOST = 75  # settings tried of one lab; where there are more, so many of the list, evenly spread
DEAR = (
    500_000  # weights of a network above which a step takes a second and more; only a few of them are tried
)
FEW = 4
INK = 100  # pixels that must differ from white, and from the frame alone, for a picture not to be blank

each_lab = pytest.mark.parametrize("name", NAMES)
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def built():
    """A function: lab's name → the lab at its start state, built once and set back each time."""
    kept = {}

    def at_start(name):
        if name not in kept:
            lab = make(name)
            kept[name] = lab, lab.values
        lab, start = kept[name]
        lab.set(**start)
        return lab

    return at_start


def make(name, **start):
    """Make a new lab."""
    return getattr(labs, name)(**start)


def allowed(widget):
    """List the values that a control can take; those of a fine slider, 21 of them."""
    if hasattr(widget, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in widget.options]
    if isinstance(widget, widgets.Checkbox):
        return [False, True]
    if isinstance(widget, widgets.IntSlider):
        return list(range(widget.min, widget.max + 1, max(widget.step, (widget.max - widget.min) // 100)))
    return [float(value) for value in np.linspace(widget.min, widget.max, 21)]


def extremes(widget):
    """List the first value of a control, the present one and the last."""
    values = allowed(widget)
    return list(dict.fromkeys([values[0], widget.value, values[-1]]))


def neighbour(widget):
    """Return the value that one press of an arrow key gives: the next, or before the end the one before."""
    if hasattr(widget, "options") or isinstance(widget, widgets.Checkbox):
        values = allowed(widget)
        place = values.index(widget.value)
        return values[place + 1] if place + 1 < len(values) else values[place - 1]
    up = widget.value + widget.step
    return up if up <= widget.max else widget.value - widget.step


def all_settings(lab):
    """List the settings to try: extremes together, choices also at the sliders' ends, and random ones."""
    start, choices = lab.values, {n: w for n, w in lab.widgets.items() if isinstance(w, widgets.Dropdown)}
    settings = [*grid_of_extremes(lab)]
    for name, widget in choices.items():
        ends = [
            {},
            *({n: allowed(w)[end] for n, w in lab.widgets.items() if n not in choices} for end in (0, -1)),
        ]
        settings += [start | end | {name: option} for option in allowed(widget) for end in ends]
    draw = random.Random(5)
    settings += [{n: draw.choice(allowed(w)) for n, w in lab.widgets.items()} for _ in range(RANDOM_SETTINGS)]
    unique = list({repr(setting): setting for setting in settings}.values())
    affordable = without_most_of_the_dear(unique)
    chosen = np.linspace(0, len(affordable) - 1, min(MOST, len(affordable))).round().astype(int)
    return [affordable[place] for place in chosen]


def grid_of_extremes(lab):
    """List every combination of the controls' extremes; all pairs of them where there are too many."""
    values = {name: extremes(widget) for name, widget in lab.widgets.items()}
    if np.prod([len(v) for v in values.values()]) <= FULL_GRID:
        return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    pairs = [
        lab.values | {a: x, b: y} for a, b in combinations(values, 2) for x in values[a] for y in values[b]
    ]
    return [*pairs, *({n: v[end] for n, v in values.items()} for end in (0, -1))]


def without_most_of_the_dear(settings):
    """Leave out networks whose step takes seconds, but for a few; the largest of all comes last."""
    weights = [setting.get("depth", 1) * setting.get("width", 1) ** 2 for setting in settings]
    slow_to_draw = [setting.get("initializer") == "orthogonal" for setting in settings]
    order = sorted(range(len(settings)), key=lambda place: (weights[place], -slow_to_draw[place]))
    dear = [place for place in order if weights[place] > DEAR]
    kept = [place for place in dear if not slow_to_draw[place]][-1 :: -max(1, len(dear) // FEW)]
    return [settings[place] for place in range(len(settings)) if place not in dear] + [
        settings[place] for place in reversed(kept)
    ]


def decoded(lab):
    """Return the picture that the browser gets, as an array (height, width, 3)."""
    return np.asarray(Image.open(BytesIO(lab.image.value)).convert("RGB")).astype(np.int16)


def frame_alone(lab):
    """Return the picture without what moves: the axes, and nothing in them."""
    lab.figure.canvas.restore_region(lab._background)
    return np.asarray(style.pixels(lab.figure.canvas)).astype(np.int16)


def in_any_color(mask):
    """Return, from (height, width, 3), where a color is true; many times as fast as any(axis=2)."""
    return mask[..., 0] | mask[..., 1] | mask[..., 2]


def faults(lab):
    """List what is wrong with a lab in its present state, in words."""
    said = lab._message.get_text()
    picture = decoded(lab)
    drawn = in_any_color(np.abs(picture - frame_alone(lab)) > 60)  # a palette shifts some a little
    numbers = {n: v for n, v in lab.numbers.items() if isinstance(v, float | np.floating)}
    odd = [n for n, v in numbers.items() if not np.isfinite(v)]
    gone = [n for n, v in numbers.items() if ("std" in n or "gradient" in n) and 0 <= v < 1e-30]
    checks = {
        f"trouble: {lab.trouble!r}": lab.trouble is not None,
        "the picture is blank": in_any_color(picture < 200).sum() < INK,
        "nothing is drawn in the frame": drawn.sum() < INK,
        f"not a word about {odd} being out of range": odd and not said,
        f"not a word about {gone} having vanished": gone and not said,
        "no numbers": not lab.numbers,
    }
    return [words for words, wrong in checks.items() if wrong]


@each_lab
def test_start_state(name, built):
    lab = built(name)
    assert faults(lab) == []
    width, height = (round(inches * style.DPI) for inches in lab.size)
    assert decoded(lab).shape == (height, width, 3)
    assert set(lab.widgets) == set(lab.values)
    assert all(widget.description for widget in lab.widgets.values())


@each_lab
def test_first_state_travels_with_the_notebook(name, built):
    lab = built(name)
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"] == repr(lab)
    assert bundle["image/png"].startswith("iVBOR")
    assert "application/vnd.jupyter.widget-view+json" in bundle


@each_lab
def test_every_control_moves_the_picture(name, built):
    lab = built(name)
    text = repr(lab)
    for control, widget in lab.widgets.items():
        before, start = decoded(lab), widget.value  # axes may have grown since the control before
        widget.value = neighbour(widget)
        assert np.abs(decoded(lab) - before).max() > 60, f"{control} = {widget.value!r} changes nothing"
        assert repr(lab) != text
        widget.value = start
        assert repr(lab) == text, f"{control} moved and moved back gives other numbers"


@slow
@each_lab
def test_the_same_settings_give_the_same_picture(name, built):
    one, two = make(name), make(name)
    assert one.image.value == two.image.value
    assert repr(one) == repr(two)
    assert "0x" not in repr(one)
    moved = built(name)
    for control, widget in moved.widgets.items():
        moved.set(**{control: neighbour(widget)})
    fresh = make(name, **moved.values)
    assert repr(fresh) == repr(moved), "the numbers depend on the way that led to the settings"
    for lab in (one, two, fresh):
        lab.close()


@each_lab
def test_a_wrong_name_or_value_is_named(name, built):
    lab = built(name)
    with pytest.raises(ValueError, match="unknown control 'colour'"):
        make(name, colour="red")
    for control, widget in lab.widgets.items():
        wrong = (
            "no such value"
            if hasattr(widget, "options")
            else widget.max + 1
            if hasattr(widget, "max")
            else "?"
        )
        with pytest.raises(ValueError, match=f"{control} can't be {wrong!r}"):
            lab.set(**{control: wrong})
    assert faults(lab) == []


@slow
@each_lab
def test_survives_its_extremes(name, built):
    lab = built(name)
    settings = all_settings(lab)
    assert len(settings) >= 40
    wrong = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for setting in settings:
            lab.set(**setting)
            if found := faults(lab):
                wrong[str(setting)] = found
    assert not wrong, f"{len(wrong)} of {len(settings)} settings"


def test_hundreds_of_settings_are_tried(built):
    assert sum(len(all_settings(built(name))) for name in NAMES) >= 500


@slow
@each_lab
def test_two_threads_at_once(name, built):
    """ipykernel 7 may handle messages in a second thread: the last state must still be the one shown."""
    lab = built(name)
    values, moved = lab.values, {control: neighbour(widget) for control, widget in lab.widgets.items()}
    raised = []

    def use(settings):
        try:
            for setting in settings:
                lab.set(**setting)
        except Exception as error:
            raised.append(error)

    threads = [Thread(target=use, args=([moved, values] * 2,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    lab.set(**values)
    fresh = make(name, **values)
    assert repr(lab) == repr(fresh)
    assert faults(lab) == []
    fresh.close()


def test_the_list_of_labs():
    assert dir(labs) == NAMES
    assert all(name.endswith("_lab") for name in NAMES)
    with pytest.raises(AttributeError, match="initialization_lab"):
        _ = labs.no_such_lab


# The readers above are themselves tested: a lab that is blank, silent or in trouble must be found out.


class Broken(live.LiveFigure):
    """A lab that shows what its one control says."""

    size = (3, 2)

    def controls(self):
        return {
            "state": live.choice("state", ["well", "blank", "overflow", "vanished", "error", "mute"], "well")
        }

    def build(self):
        axes = self.figure.add_axes([0.1, 0.1, 0.8, 0.7])
        (self.line,) = self.moving(axes.plot([0, 1], [0, 1], linewidth=3))

    def update(self, state):
        self.line.set_data([0, 1], [np.nan, np.nan] if state == "blank" else [0, 1])
        if state == "error":
            raise ZeroDivisionError("no such number")
        numbers = {"overflow": {"std": np.inf}, "vanished": {"gradient": 0.0}, "mute": {}}
        return numbers.get(state, {"std": 1.0})


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("well", []),
        ("blank", ["nothing is drawn in the frame"]),
        ("overflow", ["not a word about ['std'] being out of range"]),
        ("vanished", ["not a word about ['gradient'] having vanished"]),
        ("error", ["trouble: ZeroDivisionError('no such number')", "no numbers"]),
        ("mute", ["no numbers"]),
    ],
)
def test_a_faulty_lab_is_found_out(state, words):
    assert faults(Broken(state=state)) == words


@each_lab
def test_every_list_shows_what_is_chosen(name, built):
    """A list whose value is None looks empty in the browser."""
    lists = [w for w in built(name).widgets.values() if isinstance(w, widgets.Dropdown)]
    assert all(widget.index is not None for widget in lists)
