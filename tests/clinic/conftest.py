"""What all of the clinic's tests share: one batch."""

import pytest

from tests.clinic.cases import CLASSES, WIDTH


@pytest.fixture
def batch(rng):
    return rng.normal(size=(64, WIDTH)), rng.integers(CLASSES, size=64)
