"""The words of the illnesses."""

import ast
import re
from pathlib import Path

import pytest

from helpers.clinic import patients
from helpers.clinic.findings import Evidence, finding
from helpers.clinic.illnesses import CODES, ILLNESSES

ROOT = Path(__file__).resolve().parents[2]


def test_there_are_as_many_as_the_readme_says():
    assert len(CODES) == 33
    assert "33 illnesses" in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("code", CODES)
def test_every_illness_has_its_words_and_its_lesson(code):
    told = finding(code, True, [Evidence("a", 0.5, 0.1)])
    assert told.meaning.endswith(".")
    assert told.advice.endswith(".")
    assert "{" not in told.meaning
    assert (ROOT / "notebooks" / f"{told.lesson}.ipynb").exists()


def test_each_code_is_found_by_a_rule_and_every_rule_finds_one_of_them():
    rules = (
        "ends",
        "inputs",
        "normalizing",
        "passing",
        "progress",
        "reading",
        "targets",
        "training",
        "units",
    )
    sources = [(ROOT / "helpers/clinic" / f"{rule}.py").read_text(encoding="utf-8") for rule in rules]
    named = {text for source in sources for text in re.findall(r'"([a-z]+(?:_[a-z]+)+|overfitting)"', source)}
    assert set(CODES) <= named
    assert named & ILLNESSES.keys() == set(CODES)


def test_patients_have_illnesses_that_are_known():
    assert set(patients.DIAGNOSES.values()) <= set(CODES)
    assert patients.DIAGNOSES.keys() == patients.BUILDS.keys()


def test_illnesses_have_one_home():
    homes = []
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        targets = [
            target for node in body for target in getattr(node, "targets", [getattr(node, "target", None)])
        ]
        homes += [
            path.name for target in targets if isinstance(target, ast.Name) and target.id == "ILLNESSES"
        ]
    assert homes == ["illnesses.py"]
