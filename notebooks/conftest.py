"""How the notebooks are tested: every cell is run again, and the solved twins' outputs are compared.

A learner's copy carries no outputs: it is run to its end, and no error may come up.

    python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=180 -n 2 --dist loadscope notebooks

Numbers in the text are computed again between the cells, in the same kernel (`tools.bound`), and compared;
in a copy they are those of its twin, which `tests/test_notebooks.py` sees to.

On the stand-in for the images the numbers are others: then every cell still runs and every assertion holds,
but outputs are not compared, and the summary says so.
"""

import os
import sys
from pathlib import Path

import pytest
from nbval.plugin import IPyNbFile

from tools import bound, sources

os.environ["TAMING_DEPTH_LEARNER"] = ""  # notebooks are tested without any learner's guesses
HERE = Path(__file__).resolve().parent
WITH_OUTPUTS = (HERE / "solutions", HERE / "deeper")
LESSON_FOLDERS = (HERE, *WITH_OUTPUTS)
STAND_IN = (
    "The images are the stand-in, not Fashion-MNIST: every cell was run and every assertion tested, "
    "but outputs were not compared."
)


def images_are_stand_in():
    """Have the images ready and say whether they are the stand-in."""
    sys.path.insert(0, str(HERE.parent))
    try:
        from helpers import data

        return data.fetch() == "stand-in"
    except (FileNotFoundError, ValueError) as error:  # FASHION_MNIST_DIR is set and wrong
        raise pytest.UsageError(str(error)) from error
    finally:
        sys.path.remove(str(HERE.parent))


def pytest_configure(config):
    """Decide once, before any notebook runs, for every worker and kernel."""
    config.outputs_compared = not images_are_stand_in()
    if not config.outputs_compared:
        os.environ["TAMING_DEPTH_OFFLINE"] = "1"  # a later download would mix the two ways of testing


def pytest_ignore_collect(collection_path):
    """Collect lessons, their solved twins and deeper pages only: no checkpoints, nothing further down."""
    if collection_path.suffix == ".ipynb" and collection_path.parent not in LESSON_FOLDERS:
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Collect a notebook's cells as nbval does, and between them the texts that tell numbers."""
    return [
        Lesson.from_parent(parent, path=file_path) if isinstance(found, IPyNbFile) else found
        for found in (yield)
    ]


class Lesson(IPyNbFile):
    """A notebook whose texts are tested, too: an item for every text with expressions, in its place."""

    def collect(self):
        """Yield nbval's items for the code cells and a Text for every text with expressions, in order."""
        code, templates = iter(list(super().collect())), self._templates()
        for index, cell in enumerate(self.nb.cells):
            template = templates.get(cell.id, "")
            if cell.cell_type == "code":
                yield next(code)
            elif bound.fields(template) and self.path.parent in WITH_OUTPUTS:
                yield Text.from_parent(self, name=f"Text {index}", cell=cell, template=template)

    def _templates(self):
        folder = HERE / "source" / ("deeper" if self.path.parent.name == "deeper" else "")
        source = folder / f"{self.path.stem}.py"
        built = sources.build(source)[self.path.parent in WITH_OUTPUTS].cells if source.exists() else []
        return {cell.id: cell.source for cell in built if cell.cell_type == "markdown"}


class Text(pytest.Item):
    """A text whose expressions are evaluated again in the kernel that has run the cells above it."""

    def __init__(self, *, cell, template, **rest):
        super().__init__(**rest)
        self.cell, self.template, self.options = cell, template, {"check": True}

    def runtest(self):
        """Fail where an expression raises, or gives another text than the stored one."""
        kernel, wanted = self.parent.kernel, bound.fields(self.template)
        if self.parent.timed_out or not kernel.is_alive():
            pytest.fail("the kernel does not answer: an earlier cell took too long or ended it")
        timeout = self.config.option.nbval_cell_timeout
        reply = kernel.kc.execute(**bound.request(wanted), reply=True, timeout=timeout)
        told = bound.answers(wanted, reply)
        problems = bound.differences(self.template, self.cell.source, told, self.options["check"])
        if problems:
            pytest.fail("\n".join([f"{self.path.name}, {self.name}:", *problems]), pytrace=False)

    def reportinfo(self):
        """Name the notebook and the text in pytest's reports."""
        return self.path, 0, f"{self.path.name}::{self.name}"


def pytest_itemcollected(item):
    """Leave the comparison out on the stand-in and in learner's copies, as NBVAL_IGNORE_OUTPUT would."""
    if hasattr(item, "cell") and not (item.config.outputs_compared and item.path.parent in WITH_OUTPUTS):
        item.options["check"] = False


def pytest_terminal_summary(terminalreporter, config):
    """Say in one sentence that outputs were not compared."""
    if not config.outputs_compared:
        terminalreporter.write_sep("=", "stand-in images")
        terminalreporter.write_line(STAND_IN)
