"""Fashion-MNIST is found in the promised order, checked, downloaded safely, or replaced, openly."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from helpers.data import fashion_mnist, files, standin

REAL = os.environ.get("FASHION_MNIST_DIR")
REAL = files.PROJECT / REAL if REAL else None
ROOT = Path(__file__).resolve().parents[2]
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
needs_real = pytest.mark.skipif(REAL is None, reason="FASHION_MNIST_DIR is not set: no real images to check")

# The published checksums, written down a second time on purpose: a slip in the module must not pass.
PUBLISHED = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def reason_given():
    """Why the images are not the real ones, as `FashionMnist.notice` tells it; empty for the real ones."""
    return files.place_of(files.current_settings()).notice


class Server(ThreadingHTTPServer):
    """Serves a folder's files on 127.0.0.1; `faults[name]` spoils one file, `faults["*"]` all."""

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.faults, self.asked = files, {}, []
        self.both_here = threading.Barrier(2)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/fashion"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is part of the tests


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.server.asked.append(name)
        fault = self.server.faults.get(name, self.server.faults.get("*"))
        body = self.server.files[name]
        if fault == "404":
            return self.send_error(404)
        if fault == "silent":
            return time.sleep(1)
        if fault == "wrong":
            body = body[::-1]
        if fault == "short":
            body = body[: len(body) // 2]
        if fault == "pair" and name == IMAGES:
            self.server.both_here.wait(20)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        if fault == "pair":
            time.sleep(0.3)
        if fault != "cut":
            self.wfile.write(body[len(body) // 2 :])

    def log_message(self, *args):
        pass


def small_files():
    """Four files of the published format with 60 + 20 images."""
    made = {}
    for part, prefix, count in (("train", "train", 60), ("test", "t10k", 20)):
        pixels, labels = standin.draw(count, part=part)[0], np.arange(count) % 10
        header = bytes([0, 0, 8, 3]) + np.array([count, 28, 28], ">u4").tobytes()
        made[f"{prefix}-images-idx3-ubyte.gz"] = gzip.compress(header + pixels.tobytes())
        header = bytes([0, 0, 8, 1]) + np.array([count], ">u4").tobytes()
        made[f"{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(header + labels.astype(np.uint8).tobytes())
    return made


@pytest.fixture(scope="module")
def files():
    return {name: (REAL / name).read_bytes() for name in PUBLISHED} if REAL else small_files()


@pytest.fixture
def place(files, tmp_path, monkeypatch):
    """An empty data/ and an empty cache folder, no variables set, nothing remembered."""
    for name in ("FASHION_MNIST_DIR", "FASHION_MNIST_URL", "TAMING_DEPTH_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(files, "FOLDER", tmp_path / "data")
    monkeypatch.setattr(files, "_cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(files, "URLS", ("http://127.0.0.1:9/",))
    if not REAL:
        monkeypatch.setattr(files, "FILES", {name: sha256(body) for name, body in files.items()})
    forget()
    (tmp_path / "data").mkdir()
    yield tmp_path / "data"
    forget()


@pytest.fixture
def server(files, place, monkeypatch):
    served = Server(files)
    monkeypatch.setenv("FASHION_MNIST_URL", served.url)
    yield served
    served.shutdown()
    served.server_close()


def forget():
    for cached in (files.place_of, fashion_mnist._load, fashion_mnist._raw):
        cached.cache_clear()


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def put(folder, files):
    folder.mkdir(exist_ok=True)
    for name, body in files.items():
        (folder / name).write_bytes(body)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_whole(folder, files):
    assert names(folder) == sorted(files)
    assert all((folder / name).read_bytes() == body for name, body in files.items())


# The order of the sources


def test_checksums_are_the_published_ones():
    assert files.FILES == PUBLISHED


def test_environment_comes_first(place, files, tmp_path, monkeypatch, server):
    put(place, files)
    put(tmp_path / "mine", files)
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path / "mine"))
    assert (fashion_mnist.find(), fashion_mnist.fetch(), fashion_mnist.notice(), reason_given()) == (
        "environment",
        "environment",
        "",
        "",
    )
    assert files.place_of(files.current_settings()).folder == tmp_path / "mine"
    assert server.asked == []


def test_a_relative_folder_counts_from_the_project(place, files, tmp_path, monkeypatch):
    put(tmp_path / "mine", files)
    monkeypatch.setenv("FASHION_MNIST_DIR", os.path.relpath(tmp_path / "mine", ROOT))
    monkeypatch.chdir(tmp_path)
    assert fashion_mnist.find() == "environment"


def test_folder_comes_before_the_network(place, files, server):
    put(place, files)
    assert (fashion_mnist.find(), fashion_mnist.fetch()) == ("folder", "folder")
    assert server.asked == []


def test_download_is_the_third_and_then_a_folder(place, files, server):
    assert fashion_mnist.find() == "download"
    assert names(place) == []  # find does not download
    assert fashion_mnist.fetch() == "download"
    assert_whole(place, files)
    forget()
    assert fashion_mnist.fetch() == "folder"
    assert sorted(server.asked) == sorted(files)  # each file once


def test_stand_in_is_the_last(place):
    assert fashion_mnist.fetch() == "stand-in"
    assert "the connection failed" in reason_given()
    assert "not the real Fashion-MNIST" in fashion_mnist.notice()
    assert names(place) == []


def test_offline_forbids_downloading(place, server, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_OFFLINE", "1")
    assert (fashion_mnist.find(), fashion_mnist.fetch()) == ("stand-in", "stand-in")
    assert "TAMING_DEPTH_OFFLINE" in reason_given()
    assert server.asked == []


# Broken files and broken servers


@pytest.mark.parametrize("fault", ["404", "wrong", "short", "cut", "silent"])
def test_nothing_half_finished_is_left(place, server, monkeypatch, fault):
    if fault == "silent":
        monkeypatch.setattr(files, "TIMEOUT", (1, 0.3))
    server.faults["*"] = fault
    assert fashion_mnist.fetch() == "stand-in"
    assert names(place) == []
    reason = {"404": "answered 404", "silent": "did not answer in time", "cut": "the connection failed"}
    assert reason.get(fault, "the file received is damaged") in reason_given()


def test_a_fault_in_the_last_file_keeps_the_whole_ones_only(place, files, server):
    *good, last = files
    server.faults[last] = "cut"
    assert fashion_mnist.fetch() == "stand-in"
    assert_whole(place, {name: files[name] for name in good})
    forget()
    del server.faults[last]
    assert fashion_mnist.fetch() == "download"
    assert_whole(place, files)
    assert server.asked.count(good[0]) == 1  # what is whole is not downloaded again


def test_the_next_address_is_tried(place, files, server, monkeypatch):
    broken = Server(files)
    broken.faults["*"] = "wrong"
    monkeypatch.setenv("FASHION_MNIST_URL", f"http://127.0.0.1:9/ {broken.url}/ {server.url}")
    assert fashion_mnist.fetch() == "download"
    broken.shutdown()
    broken.server_close()
    assert_whole(place, files)
    assert sorted(broken.asked) == sorted(files)


@pytest.mark.parametrize("keep", [0.5, 0])
def test_a_damaged_file_in_data_is_downloaded_again(place, files, server, keep):
    put(place, files)
    (place / LABELS).write_bytes(files[LABELS][: int(keep * len(files[LABELS]))])
    assert fashion_mnist.find() == "download"
    assert fashion_mnist.fetch() == "download"
    assert_whole(place, files)
    assert server.asked == [LABELS]


def test_a_damaged_file_in_data_without_network_is_named(place, files):
    put(place, {**files, LABELS: b"not gzip"})
    assert fashion_mnist.fetch() == "stand-in"
    assert f"{LABELS} in data/ is damaged" in reason_given()


def test_a_damaged_file_in_the_named_folder_is_an_error(place, files, tmp_path, monkeypatch, server):
    put(tmp_path / "mine", {**files, LABELS: files[LABELS][:-1]})
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path / "mine"))
    for call in (fashion_mnist.find, fashion_mnist.fetch, fashion_mnist.load_batch, fashion_mnist.load_fashion_mnist):
        with pytest.raises(ValueError, match=rf"FASHION_MNIST_DIR is .*{LABELS} there is damaged"):
            call()
    assert server.asked == []


def test_a_missing_file_in_the_named_folder_is_an_error(place, files, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path / "mine"))
    with pytest.raises(FileNotFoundError, match=f"{IMAGES} is missing"):
        fashion_mnist.find()
    put(tmp_path / "mine", {name: body for name, body in files.items() if name != LABELS})
    with pytest.raises(FileNotFoundError, match=f"{LABELS} is missing"):
        fashion_mnist.load_batch()


def test_an_interrupted_download_leaves_nothing(place, server, monkeypatch):
    def interrupted(url, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fashion_mnist.fetch()
    assert names(place) == []


def test_a_full_disk_leads_to_the_stand_in(place, server, monkeypatch):
    def full(url, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_receive", full)
    assert fashion_mnist.fetch() == "stand-in"
    assert "could not be written" in reason_given()
    assert names(place) == []


# A file in place of the folder stands for a read-only folder: it stops root, too.


def test_a_read_only_data_folder_sends_the_download_to_the_cache(place, files, server, tmp_path):
    place.rmdir()
    place.touch()
    assert fashion_mnist.fetch() == "download"
    assert_whole(tmp_path / "cache", files)
    forget()
    assert fashion_mnist.find() == "folder"


def test_no_writable_folder_leads_to_the_stand_in(place, server, tmp_path):
    place.rmdir()
    place.touch()
    (tmp_path / "cache").touch()
    assert fashion_mnist.fetch() == "stand-in"
    assert "no folder can be written to" in reason_given()
    assert server.asked == []


def test_a_file_that_another_process_reads_on_windows(place, files, server, monkeypatch):
    def refused(source, target):
        Path(target).write_bytes(arrived)  # the other process was faster
        raise PermissionError(13, "in use")

    monkeypatch.setattr(files.os, "replace", refused)
    arrived = b"half"
    assert fashion_mnist.fetch() == "stand-in"
    forget()
    for name, arrived in files.items():  # noqa: B007 - `refused` reads it
        assert files._download(place, name, (server.url,)) == ""


CHILD = """
import json, sys
from pathlib import Path
from helpers import data, imagefiles
imagefiles.FOLDER = Path(sys.argv[1])
imagefiles.FILES = json.loads(sys.argv[2])
x, y = data.load_batch(20)
print(data.fetch(), x.shape, y.sum())
"""


def test_two_processes_at_once(place, files, server):
    server.faults["*"] = "pair"  # the first file is held back until both ask for it; all files come slowly
    command = [sys.executable, "-c", CHILD, str(place), json.dumps(files.FILES)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    pair = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    while any(process.poll() is None for process in pair):
        for name, body in files.items():
            if (place / name).exists():
                assert (place / name).stat().st_size == len(body)  # never half a file under its final name
        time.sleep(0.01)
    (first, errors), (second, _) = [process.communicate() for process in pair]
    assert first == second
    assert first.startswith("download (20, 784)"), errors
    assert_whole(place, files)
    assert server.asked.count(IMAGES) == 2


def test_the_download_shows_its_progress(place, server, capsys):
    fashion_mnist.fetch()
    shown = capsys.readouterr()
    assert "100%" in shown.err
    assert shown.out == ""


def test_a_failed_download_writes_nothing_to_stderr(place, capsys):
    fashion_mnist.fetch()
    assert capsys.readouterr() == ("", "")


def test_published_files_are_readable_by_others(place, server):
    fashion_mnist.fetch()
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in place.iterdir()) or os.name == "nt"


# What is loaded


def test_load_gives_what_is_promised(place, files):
    put(place, files)
    images = fashion_mnist.load_fashion_mnist()
    sizes = (60_000, 10_000) if REAL else (60, 20)
    for x, y, size in zip(
        (images.x_train, images.x_test), (images.y_train, images.y_test), sizes, strict=True
    ):
        assert (x.shape, x.dtype) == ((size, 784), np.float32)
        assert (y.shape, y.dtype) == ((size,), np.int64)
        assert (x.min(), x.max()) == (0, 1) or not REAL
        assert set(y) == set(range(10))
    assert images.real
    assert (images.source, images.notice) == ("folder", "")
    assert images.class_names[9] == "Ankle boot"
    assert fashion_mnist.load_fashion_mnist() is images
    with pytest.raises(ValueError, match="read-only"):
        images.x_train[0] = 1


@needs_real
def test_repr_is_the_same_wherever_real_images_come_from(place, files, tmp_path, monkeypatch):
    put(place, files)
    from_folder = repr(fashion_mnist.load_fashion_mnist())
    monkeypatch.setenv("FASHION_MNIST_DIR", str(REAL))
    assert repr(fashion_mnist.load_fashion_mnist()) == from_folder
    assert from_folder == (
        "Fashion-MNIST: 60,000 training and 10,000 test images of 28 × 28 pixels, 10 classes"
    )


@needs_real
def test_real_constants_and_first_images(place, files):
    put(place, files)
    images = fashion_mnist.load_fashion_mnist()
    assert images.x_train.mean(dtype=float) == pytest.approx(fashion_mnist.TRAIN_MEAN, abs=1e-6)
    assert images.x_train.std(dtype=float) == pytest.approx(fashion_mnist.TRAIN_STD, abs=1e-6)
    assert images.y_train[:5].tolist() == [9, 0, 0, 3, 0]  # as in the published preview of the set
    assert images.y_test[:5].tolist() == [9, 2, 1, 1, 6]
    assert np.bincount(images.y_train).tolist() == [6000] * 10


@pytest.mark.parametrize("source", ["folder", "stand-in"])
def test_batch_is_the_head_of_the_training_set(place, files, source):
    if source == "folder":
        put(place, files)
    images = fashion_mnist.load_fashion_mnist()
    x, y = fashion_mnist.load_batch(50, standardize=False)
    assert np.array_equal(x, images.x_train[:50])
    assert np.array_equal(y, images.y_train[:50])
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    x[:], y[:] = 7, 7  # fresh arrays: the next caller must not see this
    assert np.array_equal(fashion_mnist.load_batch(50, standardize=False)[0], images.x_train[:50])
    assert np.array_equal(fashion_mnist.load_batch(50)[1], images.y_train[:50])


@pytest.mark.parametrize("source", ["folder", "stand-in"])
def test_batch_is_standardized_with_the_whole_training_set(place, files, source):
    if source == "folder":
        put(place, files)
    mean, std = {"folder": (0.286041, 0.353024), "stand-in": (0.292283, 0.341067)}[source]
    raw, _ = fashion_mnist.load_batch(50, standardize=False, dtype=np.float64)
    x, _ = fashion_mnist.load_batch(50, dtype=np.float64)
    assert x.dtype == raw.dtype == np.float64
    np.testing.assert_allclose(x, (raw - mean) / std, atol=1e-12)
    np.testing.assert_allclose(fashion_mnist.load_batch(50)[0], x, atol=1e-5)


def test_batch_drawn_by_rng(place, files):
    put(place, files)
    pick = lambda seed: fashion_mnist.load_batch(40, rng=np.random.default_rng(seed))  # noqa: E731
    assert all(map(np.array_equal, pick(1), pick(1)))
    assert not np.array_equal(pick(1)[0], pick(2)[0])
    x, y = fashion_mnist.load_batch(60, rng=np.random.default_rng(0), standardize=False)
    assert len(np.unique(x, axis=0)) == 60  # without repetition
    images = fashion_mnist.load_fashion_mnist()
    row = np.flatnonzero((images.x_train == x[0]).all(axis=1))
    assert y[0] in images.y_train[row]


@pytest.mark.parametrize("n", [0, -1, 60_001, 1.5])
def test_batch_refuses_a_wrong_size(place, n):
    with pytest.raises(ValueError, match=rf"n is {n}; allowed are 1 to 60,000"):
        fashion_mnist.load_batch(n)


def test_batch_refuses_a_wrong_dtype(place):
    with pytest.raises(ValueError, match="dtype is int64; allowed are float32 and float64"):
        fashion_mnist.load_batch(dtype=np.int64)


def fake_images(pixels=5):
    """As many images as the real ones, of few pixels, of which the last two never change in training."""
    rng = np.random.default_rng(3)
    x, x_test = (rng.random((n, pixels), np.float32) for n in (60_000, 10_000))
    x[:, -2:] = x_test[:, -2:] = 0.0, 0.1
    x[:5000, -1] = 0.9  # only the validation images differ there
    y, y_test = (rng.integers(10, size=n) for n in (60_000, 10_000))
    return fashion_mnist.FashionMnist(x, y, x_test, y_test, source="folder")


@pytest.fixture
def fake(monkeypatch):
    """A function that puts images in place of the real ones; without an argument, made-up ones."""

    def put_in_place(images=None):
        images = images or fake_images()
        monkeypatch.setattr(fashion_mnist, "load_fashion_mnist", lambda: images)
        return images

    return put_in_place


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("n", [1, 300, 55_000])
def test_split_has_the_promised_parts_in_order(fake, n, standardize):
    images, split = fake(), fashion_mnist.load_split(n, standardize=standardize)
    assert [len(part) for part in (split.x, split.x_valid, split.x_test)] == [n, 5000, 10_000]
    assert np.array_equal(split.y, images.y_train[5000 : 5000 + n])  # the first 5,000 validate, whatever n is
    assert np.array_equal(split.y_valid, images.y_train[:5000])
    assert np.array_equal(split.y_test, images.y_test)
    assert {part.dtype for part in (split.x, split.x_valid, split.x_test)} == {np.dtype(np.float32)}
    if not standardize:
        assert np.array_equal(split.x, images.x_train[5000 : 5000 + n])
        assert np.array_equal(split.x_valid, images.x_train[:5000])
        assert np.array_equal(split.x_test, images.x_test)


@pytest.mark.parametrize("n", [300, 55_000])
def test_split_is_standardized_with_its_training_part(fake, n):
    images, split = fake(), fashion_mnist.load_split(n)
    own = images.x_train[5000 : 5000 + n].astype(np.float64)
    mean, std = own.mean(axis=0), own.std(axis=0)
    moving = std > 1e-6
    assert moving.tolist() == [True] * 3 + [False] * 2
    for found, raw in ((split.x, own), (split.x_valid, images.x_train[:5000]), (split.x_test, images.x_test)):
        np.testing.assert_allclose(
            found[:, moving], ((raw - mean) / np.where(moving, std, 1))[:, moving], atol=1e-4
        )
    np.testing.assert_allclose(split.x.mean(axis=0, dtype=float), 0, atol=1e-4)
    np.testing.assert_allclose(split.x.std(axis=0, dtype=float)[moving], 1, atol=1e-4)


@pytest.mark.parametrize("n", [1, 3, 300, 55_000])
def test_a_pixel_that_never_changes_is_divided_by_1(fake, n):
    fake()
    split = fashion_mnist.load_split(n)
    for part, last in ((split.x, 0), (split.x_valid, 0.8), (split.x_test, 0)):
        np.testing.assert_allclose(part[:, -2:], np.tile([0, last], (len(part), 1)), atol=1e-6)


def test_nothing_leaks_from_the_images_that_only_judge(fake):
    before = fake()
    split = fashion_mnist.load_split(300)
    x = before.x_train.copy()
    x[:5000], x[5300:] = 77, -77
    fake(fashion_mnist.FashionMnist(x, before.y_train, before.x_test * 5 + 1, before.y_test, source="folder"))
    other, plain = fashion_mnist.load_split(300), fashion_mnist.load_split(300, standardize=False)
    assert np.array_equal(split.x, other.x)
    ours = before.x_train[5000:5300]
    std = np.where(ours.max(axis=0) > ours.min(axis=0), ours.std(axis=0), 1)
    np.testing.assert_allclose(other.x_test, (plain.x_test - ours.mean(axis=0)) / std, atol=1e-3)
    assert not np.array_equal(split.x_valid, other.x_valid)
    assert not np.array_equal(split.x_test, other.x_test)


def test_standardized_splits_share_nothing_with_the_images(fake):
    images = fake()
    before = images.x_train.copy()
    split = fashion_mnist.load_split(300)
    split.x[:], split.x_valid[:] = 7, 7
    assert np.array_equal(images.x_train, before)


def test_split_says_what_it_is(fake):
    fake()
    assert repr(fashion_mnist.load_split()) == "55,000 training, 5,000 validation and 10,000 test images"
    assert repr(fashion_mnist.load_split(1200)) == "1,200 training, 5,000 validation and 10,000 test images"


@pytest.mark.parametrize("n", [0, -1, 55_001, 1.5])
def test_split_refuses_a_wrong_size(fake, n):
    fake()
    with pytest.raises(ValueError, match=rf"n is {n}; allowed are 1 to 55,000 training images"):
        fashion_mnist.load_split(n)


@needs_real
def test_split_of_the_real_images(place, files):
    put(place, files)
    split = fashion_mnist.load_split(2000)
    assert split.x.shape == (2000, 784)
    assert split.y_valid[:5].tolist() == [9, 0, 0, 3, 0]
    assert split.y[:5].tolist() == [4, 0, 7, 9, 9]
    assert np.abs(split.x.mean(axis=0)).max() < 1e-4
    assert np.isfinite(split.x_valid).all()
    assert np.isfinite(split.x_test).all()


def test_only_the_head_of_a_file_is_unpacked(tmp_path):
    items = np.random.default_rng(0).integers(0, 256, (5000, 28, 28), np.uint8)
    packed = gzip.compress(bytes([0, 0, 8, 3]) + np.array(items.shape, ">u4").tobytes() + items.tobytes())
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])  # the tail is not even there
    assert np.array_equal(fashion_mnist._read_idx(tmp_path / "cut.gz", 100), items[:100])
    with pytest.raises(EOFError):
        fashion_mnist._read_idx(tmp_path / "cut.gz")


def test_import_is_light():
    code = "import sys, helpers.data.fashion_mnist; print({'pooch', 'requests', 'tqdm', 'matplotlib'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


# The stand-in


@pytest.fixture(scope="module")
def drawn():
    return standin.draw(60_000)


def test_stand_in_says_so(place, tmp_path):
    images = fashion_mnist.load_fashion_mnist()
    assert not images.real
    assert images.source == "stand-in"
    first, second = repr(images).splitlines()
    assert first.startswith("Stand-in for Fashion-MNIST: 60,000 training and 10,000 test images of 28 × 28")
    assert second == images.notice == reason_given()
    assert "not the real Fashion-MNIST images" in second
    assert "data/README.md" in second
    assert str(tmp_path) not in repr(images)


def test_stand_in_has_the_shape_of_the_real_images(place):
    images = fashion_mnist.load_fashion_mnist()
    for x, y, size in ((images.x_train, images.y_train, 60_000), (images.x_test, images.y_test, 10_000)):
        assert (x.shape, x.dtype, y.shape, y.dtype) == ((size, 784), np.float32, (size,), np.int64)
        assert np.bincount(y).tolist() == [size // 10] * 10
        assert 0 == x.min() < x.max() <= 1
    drawn, _ = standin.draw(10)
    np.testing.assert_allclose(images.x_train[:10], drawn / 255, rtol=1e-6)
    assert images.class_names == (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip


def test_stand_in_pixels_resemble_the_real_ones(drawn):
    x = drawn[0] / 255
    assert x.mean() == pytest.approx(standin.TRAIN_MEAN, abs=1e-6)
    assert x.std() == pytest.approx(standin.TRAIN_STD, abs=1e-6)
    assert abs(standin.TRAIN_MEAN - fashion_mnist.TRAIN_MEAN) < 0.02
    assert abs(standin.TRAIN_STD - fashion_mnist.TRAIN_STD) < 0.02
    assert (x == 0).mean() == pytest.approx(0.502, abs=0.02)  # the share of zeros in the real training set


def test_stand_in_is_always_the_same(drawn):
    pixels, labels = standin.draw(1500)
    assert np.array_equal(pixels, drawn[0][:1500])
    assert np.array_equal(labels, drawn[1][:1500])
    assert len({row.tobytes() for row in drawn[0]}) == 60_000  # and no image comes twice


def test_stand_in_can_be_learned_but_not_at_a_glance(drawn):
    x, y = drawn
    centroids = np.stack([x[y == label].mean(axis=0) for label in range(10)])
    test, truth = standin.draw(1000, part="test")
    distances = ((test[:, None] - centroids) ** 2).sum(axis=2)
    accuracy = (distances.argmin(axis=1) == truth).mean()
    assert 0.6 < accuracy < 0.85  # 0.70 on the real images; chance is 0.1


def test_stand_in_test_images_are_new(drawn):
    assert not {row.tobytes() for row in standin.draw(1000, part="test")[0]} & {
        row.tobytes() for row in drawn[0]
    }


def test_stand_in_refuses_nonsense():
    with pytest.raises(ValueError, match="n is 0"):
        standin.draw(0)
    with pytest.raises(ValueError, match="part is 'validation'; allowed are 'train' and 'test'"):
        standin.draw(1, part="validation")
