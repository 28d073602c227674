"""What the tests of the images share: an empty place for them, and a server that has them."""

from functools import cache

import pytest

from helpers.data import files, standin
from tests.data.mirror import REAL, Server, forget, original_files, sha256


@pytest.fixture(scope="session")
def originals():
    """The four files, name → bytes."""
    return original_files()


@pytest.fixture(scope="session")
def draw_once():
    """`standin.draw` with a memory, since all images take a second; what it gives can't be written to."""
    original = standin.draw

    @cache
    def draw(n, part="train"):
        drawn = original(n, part=part)
        for array in drawn:
            array.setflags(write=False)
        return drawn

    return draw


@pytest.fixture
def place(originals, draw_once, tmp_path, monkeypatch):
    """An empty data/ and an empty cache folder, no variables set, nothing remembered."""
    for name in ("FASHION_MNIST_DIR", "FASHION_MNIST_URL", "TAMING_DEPTH_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(standin, "draw", draw_once)
    monkeypatch.setattr(files, "FOLDER", tmp_path / "data")
    monkeypatch.setattr(files, "_cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(files, "URLS", ("http://127.0.0.1:9/",))
    if not REAL:
        monkeypatch.setattr(files, "FILES", {name: sha256(body) for name, body in originals.items()})
    forget()
    (tmp_path / "data").mkdir()
    yield tmp_path / "data"
    forget()


@pytest.fixture
def server(originals, place, monkeypatch):
    served = Server(originals)
    monkeypatch.setenv("FASHION_MNIST_URL", served.url)
    yield served
    served.shutdown()
    served.server_close()
