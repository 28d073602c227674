"""What a lab says in words when the numbers leave the range that a figure can show."""

import numpy as np

from helpers.labs.wording import range_in_words


def test_out_of_range_is_put_in_words():
    fine, one = np.ones(3), np.array([1.0, np.inf, np.nan])
    assert range_in_words(fine, fine) == ""
    assert "from layer 2 on" in range_in_words(one, fine)
    assert "from layer 3 on" in range_in_words(np.array([1.0, 1e-3, 1e-40]), fine)
    assert "gradient is too large" in range_in_words(fine, one)
    assert "up to layer 2" in range_in_words(fine, np.array([0.0, 1e-40, 1.0]))
