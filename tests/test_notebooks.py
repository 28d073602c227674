"""Every stored notebook keeps every rule of `tools.hygiene`. The cells themselves are run again by nbval."""

from functools import cache
from pathlib import Path

import pytest

from tools import hygiene
from tools.hygiene import RULES, notebook_paths, open_page
from tools.sources import paths_of, source_paths

ROOT = Path(__file__).resolve().parents[1]
PATHS = notebook_paths(ROOT)


@pytest.fixture(scope="module", autouse=True)
def each_source_once():
    """Several rules read the source, and the twins share it."""
    with pytest.MonkeyPatch.context() as patch:
        for reader in ("build", "unbound_numbers"):
            patch.setattr(hygiene, reader, cache(getattr(hygiene, reader)))
        yield


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def page(request):
    return open_page(request.param)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_notebook_keeps_the_rule(page, rule):
    problems = rule(page)
    assert not problems, f"{page.path.name}: {rule.__doc__}\n" + "\n".join(problems)


def test_every_source_has_its_notebooks():
    wanted = {path for name in source_paths(ROOT) for path in paths_of(name, ROOT)}
    assert wanted == set(PATHS)
