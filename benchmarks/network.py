"""How close forward and backward come to the time of their matrix products alone."""

from itertools import pairwise
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.results import Result, middle
from helpers import data
from helpers.networks.mlp import MLP

SIZES = (784, *[100] * 10, 10)
IMAGES = 1000
RUNS = 60
REPEATS = 5  # passes in one measurement, so that it is long beside the clock's own steps


def measure() -> list[Result]:
    """Return the time of a forward and backward pass beside that of its products, measured in turns."""
    x, y = data.load_batch(IMAGES)
    model = MLP(SIZES, rng=np.random.default_rng(0), dtype=np.float32)
    products = products_of(SIZES, IMAGES)
    both = [
        (milliseconds(model.loss_and_gradients, x, y), milliseconds(multiply, products)) for _ in range(RUNS)
    ]
    return results(*map(list, zip(*both[RUNS // 10 :], strict=True)))


def products_of(sizes, batch) -> list:
    """Return the pairs of float32 matrices that one pass multiplies, of the right shapes.

    Per layer: h W forward; hᵀ dz for the weights and dz Wᵀ for the layer before, but for the first.
    """
    rng = np.random.default_rng(1)

    def draw(*shape):
        return rng.standard_normal(shape, dtype=np.float32)

    pairs = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        h, W, dz = draw(batch, inputs), draw(inputs, outputs), draw(batch, outputs)
        pairs += [(h, W), (h.T, dz)] + ([(dz, W.T)] if i else [])
    return pairs


def multiply(pairs) -> None:
    """Multiply every pair."""
    for a, b in pairs:
        a @ b


def milliseconds(run, *arguments) -> float:
    """Return the milliseconds of one call, the mean of a few in a row."""
    begin = perf_counter()
    for _ in range(REPEATS):
        run(*arguments)
    return 1000 * (perf_counter() - begin) / REPEATS


def results(passes, products) -> list[Result]:
    """Return the table's lines for milliseconds per pass, and for its products, measured in turns."""
    ratios = [a / b for a, b in zip(passes, products, strict=True)]
    ratio = middle(ratios, "×") | {"measured": median(passes) / median(products)}
    name = "forward and backward, 10 layers of 100 on 1,000 images"
    return [
        Result(name, promised=1.5, ratio_to="its matrix products", **ratio),
        Result("  forward and backward", **middle(passes)),
        Result("  matrix products alone", **middle(products)),
    ]
