"""Drawn garments that take the place of Fashion-MNIST where the real images cannot be had.

Ten plain silhouettes, each with its own random size, place, brightness, pattern and noise. They have the
shape, the number, the class names and nearly the pixel statistics of the real images, so every notebook
runs on them. They are not photographs, and no result on them is a result on Fashion-MNIST.
"""

import numpy as np

SIDE = 28
CHUNK = 1000  # every chunk has a seed of its own, so the first 1,000 images need not wait for the rest
TRAIN_MEAN, TRAIN_STD = 0.292283, 0.341067  # of 60,000 training images in [0, 1]; measured again in the tests
SEED = 1708  # Fashion-MNIST was published in August 2017 (arXiv:1708.07747)

# One row per height: v (0 top, 1 bottom), left and right edge, and a gap with |u| from … to (equal: no gap).
# u runs from -1 (left edge of the garment's box) to 1 (right edge). Boxes are (height, width) in pixels.
TOP = [(0.0, -0.35, 0.35, 0.0, 0.22), (0.08, -0.55, 0.55, 0.0, 0.0)]
SLEEVES = [(0.2, -0.75, 0.75, 0.6, 0.6), (0.3, -0.82, 0.82, 0.56, 0.6), (0.9, -1.0, 1.0, 0.56, 0.74)]
OUTLINES = (
    ("T-shirt/top", (27, 26), [*TOP, (0.32, -1, 1, 0, 0), (0.4, -0.95, 0.95, 0.6, 0.7),
                               (0.41, -0.6, 0.6, 0, 0), (1, -0.6, 0.6, 0, 0)]),
    ("Trouser", (28, 15), [(0, -0.7, 0.7, 0, 0), (0.25, -0.9, 0.9, 0, 0), (1, -0.9, 0.9, 0, 0.35)]),
    ("Pullover", (28, 27), [*TOP, *SLEEVES, (0.92, -0.56, 0.56, 0, 0), (1, -0.56, 0.56, 0, 0)]),
    ("Dress", (28, 16), [(0, -0.5, 0.5, 0, 0.35), (0.12, -0.75, 0.75, 0, 0), (0.4, -0.5, 0.5, 0, 0),
                         (1, -1, 1, 0, 0)]),
    ("Coat", (28, 26), [(0, -0.4, 0.4, 0, 0.06), (0.1, -0.65, 0.65, 0, 0.06), (0.2, -0.8, 0.8, 0, 0.06),
                        (0.85, -1, 1, 0, 0.06), (0.87, -0.72, 0.72, 0, 0.06), (1, -0.72, 0.72, 0, 0.06)]),
    ("Sandal", (16, 28), [(0, 0.3, 0.8, 0, 0), (0.25, -0.1, 1, 0.3, 0.75), (0.6, -0.8, 1, 0.2, 0.8),
                          (0.72, -0.95, 1, 0.3, 0.8), (0.75, -1, 1, 0, 0), (1, -1, 1, 0, 0)]),
    ("Shirt", (28, 26), [(0, -0.4, 0.4, 0, 0.25), (0.12, -0.6, 0.6, 0, 0.08), *SLEEVES[:2],
                         (0.7, -0.97, 0.97, 0.56, 0.7), (0.72, -0.58, 0.58, 0, 0), (1, -0.6, 0.6, 0, 0)]),
    ("Sneaker", (13, 28), [(0, 0.3, 0.95, 0, 0), (0.3, -0.1, 1, 0, 0), (0.65, -0.9, 1, 0, 0),
                           (0.8, -1, 1, 0, 0), (1, -1, 1, 0, 0)]),
    ("Bag", (24, 26), [(0, -0.4, 0.4, 0, 0.2), (0.3, -0.5, 0.5, 0.0, 0.35), (0.32, -0.9, 0.9, 0, 0),
                       (1, -1, 1, 0, 0)]),
    ("Ankle boot", (26, 27), [(0, -0.1, 0.95, 0, 0), (0.5, -0.2, 0.9, 0, 0), (0.72, -0.9, 0.95, 0, 0),
                              (0.85, -1, 1, 0, 0), (1, -1, 1, 0, 0)]),
)  # fmt: skip


def draw(n, *, part="train"):
    """Draw the first `n` stand-in images and their labels, always the same ones.

    Args:
        n: how many images, at least 1.
        part: "train" or "test"; the two parts share no image.

    Returns:
        pixels, uint8 of shape (n, 784), background 0; labels, int64 of shape (n,), ten classes equally often.

    Raises:
        ValueError: if `n` is below 1 or `part` is unknown.
    """
    if n < 1:
        raise ValueError(f"n is {n}; at least 1 image must be drawn")
    if part not in ("train", "test"):
        raise ValueError(f"part is {part!r}; allowed are 'train' and 'test'")
    chunks = [_chunk(part, index) for index in range(-(-n // CHUNK))]
    pixels, labels = (np.concatenate(arrays)[:n] for arrays in zip(*chunks, strict=True))
    return pixels, labels


def _chunk(part, index):
    rng = np.random.default_rng([SEED, part == "test", index])
    labels = rng.permutation(np.arange(CHUNK) % len(OUTLINES))
    silhouettes = _silhouettes(labels, rng)
    return _shade(silhouettes, rng).reshape(CHUNK, -1), labels


def _silhouettes(labels, rng):
    """How much of each pixel the garment covers, from 0 to 1: float32 (n, 28, 28)."""
    n = len(labels)
    height, width = (BOXES[labels] * rng.uniform(0.75, 1.2, (n, 2))).T[:, :, None]
    y, x = rng.normal((SIDE - 1) / 2, 0.8, (2, n, 1))
    v = (np.arange(SIDE) - y) / height + 0.5
    edges = _edges(labels, v + rng.normal(0, 0.05, (n, 1))) * width / 2 * ((v >= 0) & (v <= 1))
    edges[:2] *= rng.uniform(0.8, 1.15, (n, 1))  # tight or loose: the outline alone, not the gap in it
    left, right, gap_from, gap_to = edges.astype(np.float32)[..., None]
    u = np.arange(SIDE, dtype=np.float32) - x.astype(np.float32)[..., None]
    inside = np.minimum(u - left, right - u)
    outside_gap = np.maximum(gap_from - abs(u), abs(u) - gap_to) + 1
    return np.clip(np.minimum(inside, outside_gap), 0, 1)


def _edges(labels, v):
    """The four edges of each image's outline at heights `v`, shape (4, n, 28)."""
    edges = np.empty((4, *v.shape))
    for label, table in enumerate(TABLES):
        own = labels == label
        for edge, knots in zip(edges, table[1:], strict=True):
            edge[own] = np.interp(v[own], table[0], knots)
    return edges


def _shade(silhouettes, rng):
    """Give every garment its brightness, stripes and noise: uint8, same shape."""
    lowest, highest = [0.3, -0.3, 0.2, 0, 0], [1.0, 0.3, 2.0, np.pi, 2 * np.pi]
    traits = rng.uniform(lowest, highest, (len(silhouettes), 5)).T.astype(np.float32)
    brightness, stripes, waves, angle, phase = traits[..., None, None]
    rows, columns = np.arange(SIDE, dtype=np.float32)[:, None], np.arange(SIDE, dtype=np.float32)
    pattern = 1 + stripes * np.cos(waves * (np.cos(angle) * rows + np.sin(angle) * columns) + phase)
    noise = rng.random(silhouettes.shape, np.float32) - 0.5
    shade = np.clip(brightness * (pattern + 0.3 * noise), 0.01, 1)
    return (255 * silhouettes * shade).astype(np.uint8)


BOXES = np.array([box for _, box, _ in OUTLINES], float)
TABLES = [np.array(rows, float).T for _, _, rows in OUTLINES]
