"""How the notebooks are tested: every cell is run again and its output compared with the stored one.

    python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=180 -n 2 --dist loadscope notebooks

On the stand-in for the images the numbers are others: then every cell still runs and every assertion holds, but
outputs are not compared, and the summary says so.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LESSON_FOLDERS = (HERE, HERE / "solutions")
STAND_IN = (
    "The images are the stand-in, not Fashion-MNIST: every cell ran and every assertion was tested, "
    "but outputs were not compared."
)


def images_are_stand_in():
    """Say whether the notebooks will run on the stand-in; without `helpers.data` there is no stand-in either."""
    sys.path.insert(0, str(HERE.parent))
    try:
        from helpers import data

        return data.find() == "stand-in"
    except ImportError:
        return False
    finally:
        sys.path.remove(str(HERE.parent))


def pytest_configure(config):
    """Ask once, before any notebook runs: a download in between must not mix the two ways of testing."""
    config.outputs_compared = not images_are_stand_in()


def pytest_ignore_collect(collection_path, config):
    """Collect lessons and their solved twins only: no sources, no checkpoints, no notebooks further down."""
    if collection_path.suffix == ".ipynb" and collection_path.parent not in LESSON_FOLDERS:
        return True
    return None


def pytest_itemcollected(item):
    """Leave the comparison out on the stand-in (what nbval's own NBVAL_IGNORE_OUTPUT would do, cell by cell)."""
    if hasattr(item, "cell") and not item.config.outputs_compared:
        item.options["check"] = False


def pytest_terminal_summary(terminalreporter, config):
    """Say in one sentence that outputs were not compared."""
    if not config.outputs_compared:
        terminalreporter.write_sep("=", "stand-in images")
        terminalreporter.write_line(STAND_IN)
