"""Compute the stored grids: for every lab the frames of many settings, which the static site plays.

    python -m tools.grids                              every grid, into build/grids
    python -m tools.grids initialization_lab           one of them
    python -m tools.grids --dask tcp://HOST:8786       on the workers of a Dask cluster

`GRIDS` says which controls of a lab can be moved on the site, and to which values. A grid that is there
already is computed anew only when the course's code, its results, or its entry below have changed.
"""

import argparse
import hashlib
import os
import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import ipywidgets as widgets

from experiments.grid import run_all
from helpers import data, labs
from helpers.plots.frame import packed
from tools import gridfile

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "grids"
CHUNK = 60  # settings that one process computes at a time
COMMON = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu")
STARTS = ("small_normal", "standard_normal", "lecun_normal", "glorot_normal", "he_normal", "orthogonal")

# Lab → its main controls, the one that is cheapest to move last, and where they can stand; () is everywhere.
# Where a lab starts is added.
GRIDS = {
    "activation_lab": {
        "activation": (),
        "compare": ("none", "sigmoid", "tanh", "relu", "elu"),
        "spread": (0.1, 0.3, 1, 2, 3, 10, 30),
        "z": (-6, -4, -2, -1, 0, 1, 2, 4, 6),
    },
    "augmentation_lab": {
        "method": (),
        "image": (0, 1, 3, 5, 6, 8),
        "strength": (0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1),
    },
    "backprop_lab": {
        "x1": (0, 1, 2),
        "w2": (-5, -2, -1, 1, 2, 5),
        "w1": (-5, -2, 0, 1, 2, 3, 5),
        "step": (),
    },
    "batch_norm_graph_lab": {
        "step": (),
        "x3": (-5, 0, 2, 3, 6, 10),
        "gamma": (-1, 0, 1, 2),
    },
    "batch_norm_lab": {
        "undo": (),
        "gain": (0.1, 0.5, 1, 2, 3, 7, 20, 50),
        "beta": (-5, -3, -1, 0, 1, 3, 5),
        "gamma": (0.1, 0.3, 0.5, 1, 2, 3, 5, 10),
    },
    "batch_size_lab": {
        "size": (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512),
        "momentum": (0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.998, 0.999),
        "seen": (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 1000),
    },
    "clinic_lab": {
        "activation": COMMON,
        "initializer": STARTS[1:],
        "depth": (1, 3, 5, 10, 20, 30),
        "scale": (0, 0.01, 0.1, 0.5, 1, 3, 10, 90, 255),
    },
    "dead_relu_lab": {
        "bias": (-5, -2, -1, -0.5, 0, 1),
        "slope": (0, 0.01, 0.1, 0.3),
        "seed": (0, 1),
        "rate": (0.01, 0.1, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 30),
    },
    "depth_lab": {
        "network": (),
        "inputs": (),
        "skips": (),
        "alpha_dropout": (0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3),
    },
    "dropout_lab": {
        "method": (),
        "mode": (),
        "rate": (),
        "draw": (*range(1, 21), 25, 30, 40, 50, 75, 100, 150, 200),
    },
    "gradient_flow_lab": {
        "activation": ("sigmoid", "tanh", "relu", "selu", "gelu"),
        "initializer": STARTS[1:5],
        "depth": (5, 10, 30, 60, 100),
        "gain": (0.5, 0.8, 1, 1.2, 1.5, 2),
    },
    "initialization_lab": {
        "activation": COMMON,
        "initializer": STARTS,
        "depth": (10, 50),
        "gain": (0.1, 0.3, 0.5, 0.7, 0.9, 1, 1.1, 1.3, 1.5, 2, 3, 10),
    },
    "learning_rate_lab": {
        "shown": (),
        "rate": (),
        "std": (),
    },
    "mean_field_lab": {
        "activation": ("sigmoid", "tanh", "relu", "selu", "gelu"),
        "depth": (10, 30, 100),
        "sigma_b2": (0, 0.05, 0.2, 0.5),
        "sigma_w2": (0.5, 0.9, 1.2, 1.5, 1.761, 2, 2.3, 3, 4, 7, 10),
    },
    "minibatch_lab": {
        "rate": (0.03, 0.1, 0.3, 0.5, 1, 2, 3, 5, 10, 20),
        "epochs": (),
        "seed": (0, 1),
        "batch": (),
    },
    "neuron_lab": {
        "activation": (),
        "w1": (-10_000, -7500, -5000, -2500, -1000, 0, 100, 1000, 2500, 5000, 7500, 10_000),
        "w2": (-2, -1, -0.5, -0.2, -0.1, -0.04, -0.02, 0, 0.02, 0.04, 0.1, 0.2, 0.5, 1, 2),
    },
    "preprocessing_lab": {
        "cloud": (),
        "ratio": (1, 3, 10, 30, 100),
        "correlation": (-0.95, -0.5, 0, 0.5, 0.8, 0.95, 0.99),
        "step": (),
    },
    "selu_map_lab": {
        "activation": ("selu", "elu", "relu", "leaky_relu", "tanh"),
        "tau": (0.5, 1, 1.5, 2, 3),
        "mean": (-1, -0.5, 0, 0.3, 0.6, 1),
        "variance": (0.1, 0.5, 1, 1.5, 2.5, 3),
    },
    "weight_decay_lab": {
        "pair": (),
        "images": (),
        "penalty": (),
        "strength": (),
    },
}


@dataclass(frozen=True)
class Play:
    """A lab as a lesson shows it, with what the lesson sets at its start, and its grid."""

    lab: str
    start: tuple[tuple[str, object], ...] = ()

    @property
    def name(self) -> str:
        """The name of the file, without its ending."""
        return "-".join([self.lab, *(f"{name}_{value}" for name, value in self.start)])

    def make(self):
        """Return the live figure."""
        return getattr(labs, self.lab)(**dict(self.start))


def main(arguments=None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.grids", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="lab", help=f"some of: {', '.join(GRIDS)}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: all cores)")
    parser.add_argument("--dask", metavar="ADDRESS", help="the scheduler of a Dask cluster")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="default: build/grids")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in GRIDS]:
        parser.error(f"there is no grid {unknown[0]!r}; choose from {', '.join(GRIDS)}")
    plays = [Play(name) for name in options.names or GRIDS]
    write(plays, options.out, jobs=options.jobs, dask=options.dask)
    return 0


def write(plays, folder, **where) -> list[Path]:
    """Have a file for every play in a folder, and say on stderr what each takes; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    code, paths = made_from(), []
    for play in plays:
        path = folder / f"{play.name}.grid"
        paths.append(path)
        start = time.perf_counter()
        told = stamp(play, code)
        if not is_made_from(path, told):
            count = make(play, path, told, **where)
            spent, size = time.perf_counter() - start, path.stat().st_size / 1024
            print(f"{play.name}: {count} settings, {spent:.0f} s, {size:.0f} KB", file=sys.stderr, flush=True)
    return paths


def make(play, path, made_of, grid=None, **where) -> int:
    """Compute the grid of a play and write it; return the number of its settings."""
    lab = play.make()
    grid = GRIDS[play.lab] if grid is None else grid
    points = {name: points_of(lab.widgets[name], values) for name, values in grid.items()}
    settings = [dict(zip(points, values, strict=True)) for values in product(*points.values())]
    chunks = [(play, settings[k : k + CHUNK]) for k in range(0, len(settings), CHUNK)]
    frames = [frame for done in run_all(frames_of, chunks, **where) for frame in done]
    head = {"lab": play.lab, "made_of": made_of, **told_controls(lab, points)}
    lab.close()
    part = path.with_suffix(".part")
    part.write_bytes(gridfile.encode(head, frames))
    os.replace(part, path)
    return len(settings)


def frames_of(chunk) -> list:
    """Return the packed frames of some settings of a play; raises RuntimeError where the lab can't draw."""
    play, settings = chunk
    lab, frames = play.make(), []
    for values in settings:
        lab.set(**values)
        if lab.trouble is not None:
            raise RuntimeError(f"{play.lab} can't draw {values}") from lab.trouble
        frames.append(packed(lab.frame))
    lab.close()
    return frames


# ---------------------------------------------------------------- controls


def points_of(widget, values) -> list:
    """Return the values that a control can take on the site, in its order; its start is always among them.

    No values mean all of them.
    """
    every = all_values(widget)
    wanted = [*(values or every), widget.value]
    lost = [value for value in wanted if not any(same(value, one) for one in every)]
    if lost:
        raise ValueError(f"{widget.description!r} can't stand at {lost[0]!r}")
    return [one for one in every if any(same(one, value) for value in wanted)]


def all_values(widget) -> list:
    """Return every value that a control can take."""
    if isinstance(widget, widgets.Checkbox):
        return [False, True]
    if isinstance(widget, widgets.IntSlider):
        return list(range(widget.min, widget.max + 1, widget.step))
    if isinstance(widget, widgets.FloatSlider):
        count = round((widget.max - widget.min) / widget.step)
        return [round(widget.min + k * widget.step, 10) for k in range(count + 1)]
    return [value for _, value in pairs_of(widget)]


def pairs_of(widget) -> list[tuple]:
    """Return the (text, value) pairs of a list or of a slider over given values."""
    return [option if isinstance(option, tuple) else (str(option), option) for option in widget.options]


def same(one, other) -> bool:
    """Say whether two values of a control are the same, whatever rounding did to them."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    return abs(one - other) <= 1e-9 * max(1, abs(one)) if numbers else one == other


def text_of(widget, value) -> str:
    """Return what a control shows for a value."""
    if isinstance(widget, widgets.Checkbox):
        return "on" if value else "off"
    if isinstance(widget, widgets.IntSlider | widgets.FloatSlider):
        return format(value, widget.readout_format).replace("-", "−")
    return next(text for text, one in pairs_of(widget) if same(one, value))


def told_controls(lab, points) -> dict:
    """Return what the page must know of a lab's controls: the main ones with their options, then the others.

    A setting's place in the file is the sum of each control's chosen option times its stride.
    """
    strides, stride = {}, 1
    for name in reversed(points):
        strides[name], stride = stride, stride * len(points[name])
    controls, others = [], []
    for name, widget in lab.widgets.items():
        kind = {widgets.Dropdown: "choice", widgets.Checkbox: "switch"}.get(type(widget), "slider")
        told = {"name": name, "label": widget.description.strip(), "kind": kind}
        if name in points:
            options = [text_of(widget, value) for value in points[name]]
            at = [same(value, widget.value) for value in points[name]].index(True)
            controls.append({**told, "options": options, "at": at, "stride": strides[name]})
        else:
            others.append({**told, "text": text_of(widget, widget.value), "share": share_of(widget)})
    return {"controls": controls, "others": others}


def share_of(widget) -> float:
    """Return where a slider's knob stands, from 0 to 1; 1 for a checked box."""
    every = all_values(widget)
    return [same(value, widget.value) for value in every].index(True) / max(1, len(every) - 1)


# ---------------------------------------------------------------- when a grid is out of date


def made_from() -> str:
    """Return a digest of what all grids are computed from: the course's code, its results, its images."""
    files = [*ROOT.glob("helpers/**/*.py"), *ROOT.glob("results/*.json"), *ROOT.glob("tools/grid*.py")]
    digest = hashlib.sha256(data.fetch().encode())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamp(play, code) -> str:
    """Return a digest of what the grid of a play is made of."""
    return hashlib.sha256(f"{code} {play}".encode()).hexdigest()[:16]


def is_made_from(path, told) -> bool:
    """Say whether there is a file whose head tells this stamp."""
    return path.exists() and gridfile.read_head(path.read_bytes())["made_of"] == told


if __name__ == "__main__":
    sys.exit(main())
