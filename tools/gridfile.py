"""The file of a stored grid: the frames of many settings of one lab, small enough for a web page to fetch.

`packed` (helpers.plots.frame) gives each frame as structure, strings, numbers and pixels. Frames of one grid
share most of these, so the file holds every distinct one once, and references to them. It is a gzip stream of

    the length of the head (uint32) · the head (JSON) · blocks of bytes, in the order in which it names them

The numbers of a frame fall into *slots*: the ends of an axis, its ticks, an array of a mark. The rows that
slots hold are pooled by kind. Axes are kept exactly, what pointing tells in 65,534 levels between the ends of
its axis, what is only drawn in levels of half a pixel. Level 0 is nan. Differences of neighbors are stored
where that is shorter, the low bytes before the high ones. `player.js` reads the same.
"""

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.plots.frame import MARKS

FINE = 65_534  # levels of what is told in numbers
COARSE = (254, 1022, 4094)  # of what is only drawn: the first that gives half a pixel
REACH = 7  # lengths of the axis, to both sides, that levels reach where something lies outside its ends
NONE, ALONG, ACROSS = range(3)  # what a number is told relative to: nothing, the one before, the row before


class Kind(NamedTuple):
    """How the rows of a pool are stored: `levels` is 0 for exact numbers, `reach` counts axis lengths."""

    length: int
    levels: int = 0
    reach: int = 0

    @property
    def steps(self) -> int:
        """The number of levels altogether."""
        return self.levels * (1 + 2 * self.reach)


class Slot(NamedTuple):
    """A part of a frame's numbers: how many, the slot with their axis's ends, levels (0: exact), if told."""

    length: int
    ends: int = -1
    levels: int = 0
    told: bool = False


# ---------------------------------------------------------------- what a frame's numbers are


def slots_of(structure) -> list[Slot]:
    """Return the slots of a frame of this structure, in the order of its numbers."""
    slots = []
    for panel in structure["panels"]:
        ends = {}
        for name in ("x", "y"):
            ends[name] = len(slots)
            slots += [Slot(2), Slot(panel[name]["ticks"])]
        for mark in panel["marks"]:
            slots += _slots_of_mark(mark, panel, ends, structure)
    return slots


def _slots_of_mark(mark, panel, ends, structure):
    if mark["kind"] == "image":
        return [Slot(6)]
    told = mark["kind"] in ("line", "points") and bool(panel["x"]["counts"])
    kind, length = MARKS[mark["kind"]], mark["length"]
    fine = told or mark["kind"] == "arrows"  # an arrow's length is a small difference
    across, up = (FINE if fine else _levels(panel, structure, direction) for direction in (0, 1))
    slots = [Slot(length, ends["x"], 0 if told else across, told)] * len(kind.across)  # counted, so exact
    slots += [Slot(length, ends["y"], up, told)] * len(kind.up)
    return slots + [Slot(3)] * (mark["kind"] == "steps")


def _levels(panel, structure, direction):
    """The levels that give half a pixel along (0) or up (1) the panel's axes."""
    whole, before, behind = ((structure["width"], 0, 2), (structure["height"], 1, 3))[direction]
    pixels = panel["cell"][2 + direction] * whole - panel["room"][before] - panel["room"][behind]
    return next((levels for levels in COARSE if levels >= 2 * pixels), COARSE[-1])


def _image_sizes(structure):
    marks = [mark for panel in structure["panels"] for mark in panel["marks"]]
    return [int(np.prod(mark["shape"])) for mark in marks if mark["kind"] == "image"]


# ---------------------------------------------------------------- levels


def kind_of(slot, rows, ends) -> Kind:
    """Return the kind that keeps these rows of a slot; `ends` (rows, 2) are those of the axis."""
    if not slot.levels:
        return Kind(slot.length)
    low, high = np.sort(ends, axis=1).T[:, :, None]
    room = 1e-6 * (high - low)
    if not ((rows < low - room) | (rows > high + room)).any():
        return Kind(slot.length, slot.levels)
    return Kind(slot.length) if slot.told else Kind(slot.length, min(slot.levels, COARSE[-1]), REACH)


def to_levels(rows, ends, kind) -> np.ndarray:
    """Return rows (n, length) as levels between the ends (n, 2) of the axis; beyond the reach is its end."""
    low, length = _reached(ends, kind)
    with np.errstate(invalid="ignore"):
        share = np.clip((rows - low) / length, 0, 1)
    return np.where(np.isnan(share), 0, 1 + np.round(np.nan_to_num(share) * (kind.steps - 1))).astype(
        np.uint16
    )


def from_levels(levels, ends, kind) -> np.ndarray:
    """Return the numbers that levels stand for."""
    low, length = _reached(ends, kind)
    return np.where(levels == 0, np.nan, low + (levels - 1.0) / (kind.steps - 1) * length)


def _reached(ends, kind):
    low, high = np.asarray(ends, np.float64).T[:, :, None]
    return low - kind.reach * (high - low), (1 + 2 * kind.reach) * (high - low)


# ---------------------------------------------------------------- writing


class Pool:
    """Distinct rows of one kind, in the order in which they first came."""

    def __init__(self):
        self.places = {}

    def refer(self, rows) -> list[int]:
        """Return the place of each row, new ones added."""
        return [self.places.setdefault(row.tobytes(), len(self.places)) for row in rows]

    def rows(self, dtype, length) -> np.ndarray:
        """Return all rows, (count, length)."""
        return np.frombuffer(b"".join(self.places), dtype).reshape(len(self.places), length)


def encode(head, frames) -> bytes:
    """Return the file of a grid: `head` is told as it is, `frames` is what `packed` gave for each setting."""
    keys = [json.dumps(structure) for structure, *_ in frames]
    structures = list(dict.fromkeys(keys))
    pools, strings, told, blocks = {}, {}, [], []
    for key in structures:
        members = [frame for frame, its in zip(frames, keys, strict=True) if its == key]
        parts, references = _referred(json.loads(key), members, pools, strings)
        told.append({"frame": json.loads(key), "parts": parts, "strings": len(members[0][1])})
        blocks.append(_whole(_differences(references, ALONG, 2**32), 4))
    which = np.array([[structures.index(key) for key in keys]])
    blocks.insert(0, _whole(_differences(which, ALONG, 2**32), 4))
    kept = []
    for (kind, dtype), pool in pools.items():
        relative, block = _shortest(pool.rows(dtype, kind.length), dtype)
        kept.append([*kind, len(pool.places), relative, np.dtype(dtype).itemsize])
        blocks.append(block)
    head = {**head, "settings": len(frames), "structures": told, "pools": kept, "strings": list(strings)}
    return _zipped(head, blocks)


def _referred(structure, members, pools, strings):
    """Put what frames of one structure hold into the pools.

    Return (pool, slot with the ends) of each part of a frame, images last, and references (parts, frames).
    """
    parts, references = [], []
    for kind, ends, rows in _stored(structure, members):
        key = (kind, rows.dtype.str)
        references.append(pools.setdefault(key, Pool()).refer(rows))
        parts.append((list(pools).index(key), ends))
    for column in zip(*[frame[1] for frame in members], strict=True):
        references.append([strings.setdefault(text, len(strings)) for text in column])
    return parts, np.array(references)


def _stored(structure, members):
    """Yield (kind, slot with the ends, rows as they are stored) of each slot, then of each image."""
    slots = slots_of(structure)
    parts = _split([frame[2] for frame in members], [slot.length for slot in slots])
    for slot, rows in zip(slots, parts, strict=True):
        ends = parts[slot.ends]
        kind = kind_of(slot, rows, ends)
        yield kind, slot.ends, to_levels(rows, ends, kind) if kind.levels else rows.astype("<f4")
    for rows in _split([frame[3] for frame in members], _image_sizes(structure)):
        yield Kind(rows.shape[1]), -1, rows


def _split(rows, lengths):
    """Return arrays (frames, length), one for each length, from rows of all of them together."""
    return np.split(np.stack(rows), np.cumsum(lengths)[:-1], axis=1) if lengths else []


def _differences(rows, relative, size):
    """Return whole numbers relative to their neighbors, small ones of either sign as small positive ones."""
    rows = rows.astype(np.int64)
    if relative == NONE:
        return rows
    change = np.diff(rows, axis=1 if relative == ALONG else 0, prepend=0)
    change = (change + size // 2) % size - size // 2
    return np.where(change < 0, -2 * change - 1, 2 * change)


def _whole(rows, width):
    """Return whole numbers as bytes: the lowest bytes of all, then the next."""
    numbers = np.ascontiguousarray(rows, np.uint64).ravel()
    return b"".join(((numbers >> (8 * k)) & 255).astype(np.uint8).tobytes() for k in range(width))


def _shortest(rows, dtype):
    """Return (relative to what, bytes) for the rows of a pool, as it is shortest."""
    if np.dtype(dtype).kind == "f":
        return NONE, _whole(rows.view("<u4"), 4)
    width = np.dtype(dtype).itemsize
    tried = [_whole(_differences(rows, relative, 256**width), width) for relative in (NONE, ALONG, ACROSS)]
    lengths = [len(zlib.compress(block, 6)) for block in tried]
    return int(np.argmin(lengths)), tried[int(np.argmin(lengths))]


def _zipped(head, blocks):
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return gzip.compress(np.uint32(len(text)).tobytes() + text + b"".join(blocks), 9, mtime=0)


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class Grid:
    """A grid as it was read: `frame(place)` is what `packed` gave for that setting, to the precision kept."""

    head: dict
    which: np.ndarray
    references: list[np.ndarray]
    pools: list[np.ndarray]

    def place(self, **values) -> int:
        """Return the place of the setting in which each main control shows the given text of its options."""
        return sum(
            control["stride"] * control["options"].index(values[control["name"]])
            for control in self.head["controls"]
        )

    def frame(self, place):
        """Return (structure, strings, numbers, pixels) of the setting at a place."""
        told, references = self._found(place)
        numbers, pixels = [np.empty(0)], [np.empty(0, np.uint8)]
        for (pool, ends), reference in zip(told["parts"], references, strict=False):
            kind, row = self._kind(pool), self.pools[pool][reference]
            if kind.levels:
                row = from_levels(row[None], numbers[1 + ends][None], kind)[0]
            (pixels if row.dtype == np.uint8 else numbers).append(row)
        strings = [self.head["strings"][r] for r in references[len(told["parts"]) :]]
        return told["frame"], strings, np.concatenate(numbers).astype(np.float32), np.concatenate(pixels)

    def precision(self, place) -> np.ndarray:
        """Return by how much each number of a frame may be off: half a level; nothing where it is exact."""
        told, references = self._found(place)
        halves, rows = [], []
        for (pool, ends), reference in zip(told["parts"], references, strict=False):
            kind, row = self._kind(pool), self.pools[pool][reference]
            rows.append(row)
            if row.dtype != np.uint8:
                half = 0.51 * abs(float(np.ptp(rows[ends]))) / kind.levels if kind.levels else 0
                halves.append(np.full(len(row), half))
        return np.concatenate(halves)

    def _found(self, place):
        """The structure of a setting, and its references."""
        which = self.which[place]
        before = int((self.which[:place] == which).sum())
        return self.head["structures"][which], self.references[which][:, before]

    def _kind(self, pool):
        return Kind(*self.head["pools"][pool][:3])


def read_head(data) -> dict:
    """Return the head of a file: what `encode` was given, and how the file is built."""
    return _opened(data)[0]


def _opened(data):
    data = gzip.decompress(data)
    length = int(np.frombuffer(data, "<u4", 1)[0])
    return json.loads(data[4 : 4 + length]), _Reader(data, 4 + length)


def decode(data) -> Grid:
    """Return the grid that a file holds."""
    head, reader = _opened(data)
    which = _summed(reader.whole((1, head["settings"]), 4), ALONG, 2**32)[0]
    references = []
    for k, told in enumerate(head["structures"]):
        shape = (len(told["parts"]) + told["strings"], int((which == k).sum()))
        references.append(_summed(reader.whole(shape, 4), ALONG, 2**32))
    pools = []
    for length, _, _, count, relative, width in head["pools"]:
        rows = _summed(reader.whole((count, length), width), relative, 256**width)
        rows = rows.astype(f"<u{width}")
        pools.append(rows.view("<f4") if width == 4 else rows)
    return Grid(head, which, references, pools)


class _Reader:
    """Reads blocks of bytes, one after the other."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def whole(self, shape, width):
        size = int(np.prod(shape))
        planes = np.frombuffer(self.data, np.uint8, size * width, self.at).reshape(width, size)
        self.at += size * width
        return sum(plane.astype(np.int64) << (8 * k) for k, plane in enumerate(planes)).reshape(shape)


def _summed(rows, relative, size):
    """Return whole numbers from their differences."""
    if relative == NONE:
        return rows
    change = np.where(rows % 2, -(rows + 1) // 2, rows // 2)
    return np.cumsum(change, axis=1 if relative == ALONG else 0) % size
