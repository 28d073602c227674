"""The browser that the tests look through, and the folder of the screenshots."""

import os
from pathlib import Path

import pytest

from benchmarks.browser import chromium, find_chromium

REQUIRED = os.environ.get("TAMING_DEPTH_REQUIRE_BROWSER") == "1"
SCREENSHOTS = os.environ.get("TAMING_DEPTH_SCREENSHOTS")  # a folder to keep them in, to look at


@pytest.fixture(scope="session")
def browser():
    """Playwright's browser, on the Chromium of this machine; without one, the tests are skipped."""
    if find_chromium() is None:
        reason = "no Chromium, Chrome or Edge is installed, so nothing was tested in a browser"
        pytest.fail(reason) if REQUIRED else pytest.skip(reason)
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def album(tmp_path_factory):
    """The folder of the screenshots."""
    folder = Path(SCREENSHOTS) if SCREENSHOTS else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
