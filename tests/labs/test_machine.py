"""Whether the machine is ready: a line for each thing, and what to do where it is missing."""

import pytest

from helpers.labs import machine


def told(page):
    return {what: fine for what, fine, _ in page.rows}


def test_this_machine_is_ready_but_for_its_images():
    page = machine.check()
    assert all(fine for what, fine in told(page).items() if "images" not in what)
    assert len(page.rows) == 6


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [
        ("version", lambda package: "7.0", "ipykernel 6"),
        ("PYTHONS", ((3, 98), (3, 99)), "Python 3.11, 3.12 or 3.13"),
        ("_answers", lambda: False, "a live figure answers"),
        ("_can_keep", lambda: False, "what you do is kept"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(monkeypatch, name, change, what):
    monkeypatch.setattr(machine, name, change)
    page = machine.check()
    assert not page.ready
    assert not told(page)[what]
    line = next(line for line in repr(page).split("\n") if line.startswith(what))
    assert "NO: " in line
    assert "NO: " in page._repr_html_()


def test_a_package_that_is_not_there_is_missing():
    assert not machine._is_version("no-such-package-at-all", "1")


def test_a_folder_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "no" / "learner.json"))
    assert not machine._can_keep()
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))
    assert machine._can_keep()
