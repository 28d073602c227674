"""A new run beside stored ones: how wide a band is, and that text which is compared tells the band alone."""

import pytest

from helpers.checks import bands, learner

STORED = [0.80, 0.82, 0.81, 0.83, 0.84]


def test_a_band_reaches_one_and_a_half_ranges_from_the_median():
    band = bands.band(STORED)
    assert (band.middle, band.seeds) == (0.82, 5)
    assert band.reach == pytest.approx(0.06)
    assert str(band) == "0.82 ± 0.06"
    assert band.holds(0.76 + 1e-9)
    assert not band.holds(0.89)


def test_equal_runs_have_a_band_all_the_same():
    assert bands.band([0.1] * 5).reach == bands.SMALLEST
    with pytest.raises(ValueError, match="three numbers"):
        bands.band([0.1, 0.2])


def test_the_number_is_told_to_a_learner_alone(monkeypatch):
    monkeypatch.setattr(bands, "notice", lambda: "")
    told = bands.compare("accuracy", 0.8349, STORED)
    monkeypatch.setattr(learner, "is_kept", lambda: False)
    assert repr(told) == "accuracy: inside the band 0.82 ± 0.06 of 5 stored runs."
    monkeypatch.setattr(learner, "is_kept", lambda: True)
    assert repr(told) == "accuracy: 0.83, inside the band 0.82 ± 0.06 of 5 stored runs."
    assert "outside" in repr(bands.compare("accuracy", 0.5, STORED))
    assert "inside" in told._repr_html_()


def test_on_the_stand_in_the_band_is_told_to_be_of_the_real_images(monkeypatch):
    monkeypatch.setattr(bands, "notice", lambda: "drawn")
    assert "real images" in repr(bands.compare("accuracy", 0.8, STORED))
