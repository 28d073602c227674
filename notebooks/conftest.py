"""How the notebooks are tested: every cell is run again and its output compared with the stored one.

    python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=180 -n 2 --dist loadscope notebooks

On the stand-in for the images the numbers are others: then every cell still runs and every assertion holds,
but outputs are not compared, and the summary says so.
"""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
LESSON_FOLDERS = (HERE, HERE / "solutions")
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
    """Collect lessons and their solved twins only: no checkpoints, nothing further down."""
    if collection_path.suffix == ".ipynb" and collection_path.parent not in LESSON_FOLDERS:
        return True
    return None


def pytest_itemcollected(item):
    """Leave the comparison out on the stand-in, as nbval's own NBVAL_IGNORE_OUTPUT would in each cell."""
    if hasattr(item, "cell") and not item.config.outputs_compared:
        item.options["check"] = False


def pytest_terminal_summary(terminalreporter, config):
    """Say in one sentence that outputs were not compared."""
    if not config.outputs_compared:
        terminalreporter.write_sep("=", "stand-in images")
        terminalreporter.write_line(STAND_IN)
