"""Networks examined blind: each has at most one condition of self-normalization broken, drawn per learner.

    ward = blind.ward("your name")
    ward                                    mean and variance of h, layer by layer
    checks.depth.diagnosis({"A": …}, ward)

A ward keeps what can be measured, and the name that it was drawn from; what is broken in whom is drawn anew,
from that name, when an answer is checked.
"""

from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from helpers import data
from helpers.networks.builders import Design
from helpers.numerics.tables import Table, table
from helpers.signals.flow import flow

BEDS = ("A", "B", "C", "D")
CONDITIONS = ("inputs", "initialization", "dropout", "skip", "none")
SIZES = (784, 300, *[100] * 99, 10)
IMAGES = 100
LAYERS = (1, 2, 5, 20, 50, 100)  # those in the table


@dataclass(frozen=True, repr=False)
class Ward:
    """Four networks without a name on their charts.

    `mean`, `variance` and `gradient` hold bed → one number per hidden layer: of h, of h, and the norm of dz.
    """

    name: str
    mean: dict
    variance: dict
    gradient: dict

    def table(self) -> Table:
        """Return mean and variance of h in a few layers of every network."""
        rows = []
        for bed in self.mean:
            for title, values in (("mean", self.mean[bed]), ("variance", self.variance[bed])):
                rows.append((f"{bed}, {title}", *(_told(values[layer - 1], title) for layer in LAYERS)))
        return table(("network", *(f"layer {layer}" for layer in LAYERS)), rows)

    def __repr__(self):
        return self.table()

    def _repr_html_(self):
        return self.table()._repr_html_()


def ward(name) -> Ward:
    """Return the four networks that belong to a name; raises ValueError for an empty one."""
    signs = {bed: _signs(*case) for bed, case in cases(name).items()}
    parts = [{bed: getattr(sign, part) for bed, sign in signs.items()} for part in ("mean", "std")]
    gradient = {bed: sign.grad_z_norm for bed, sign in signs.items()}
    return Ward(name, parts[0], {bed: std**2 for bed, std in parts[1].items()}, gradient)


def cases(name) -> dict:
    """Return bed → (condition, how severe, seed), drawn from a name; raises ValueError for an empty one."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError("a ward is drawn from a name: type yours, or any other word")
    letters = sha256(name.strip().casefold().encode()).digest()
    rng = np.random.default_rng(list(letters))
    drawn = rng.permutation(CONDITIONS)[: len(BEDS)]
    return {
        bed: (str(condition), int(rng.integers(3)), int(rng.integers(1000)))
        for bed, condition in zip(BEDS, drawn, strict=True)
    }


def _signs(condition, severity, seed):
    """The Flow of a network in which this condition is broken, and no other."""
    x, y = data.load_batch(IMAGES, dtype=np.float64)
    design = Design()
    if condition == "inputs":
        x = data.load_batch(IMAGES, standardize=False, dtype=np.float64)[0] * (100, 255, 500)[severity]
    elif condition == "initialization":
        design = replace(design, gain=(1.3, 1.414, 0.7)[severity])
    elif condition == "dropout":
        design = replace(design, dropout=(0.1, 0.15, 0.2)[severity])
    elif condition == "skip":
        design = replace(design, skips=True)
    return flow(design.stack(SIZES, rng=np.random.default_rng(seed)), x, y)


def _told(value, title):
    """Two digits; a mean near 0 has none that say anything."""
    return "0.00" if title == "mean" and abs(value) < 0.005 else f"{value:.2g}"
