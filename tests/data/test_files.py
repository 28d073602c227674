"""The files of Fashion-MNIST are found in the promised order, checked, and downloaded safely."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pooch
import pytest

from helpers.data import fashion_mnist, files
from tests.data.mirror import IMAGES, LABELS, Server, forget, put, reason_given

ROOT = Path(__file__).resolve().parents[2]

# The published checksums, written down a second time on purpose: a slip in the module must not pass.
PUBLISHED = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_whole(folder, originals):
    assert names(folder) == sorted(originals)
    assert all((folder / name).read_bytes() == body for name, body in originals.items())


# The order of the sources


def test_checksums_are_the_published_ones():
    assert files.FILES == PUBLISHED


def test_environment_comes_first(place, originals, tmp_path, monkeypatch, server):
    put(place, originals)
    put(tmp_path / "mine", originals)
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path / "mine"))
    assert (fashion_mnist.find(), fashion_mnist.fetch(), fashion_mnist.notice(), reason_given()) == (
        "environment",
        "environment",
        "",
        "",
    )
    assert files.place_of(files.current_settings()).folder == tmp_path / "mine"
    assert server.asked == []


def test_a_relative_folder_counts_from_the_project(place, originals, tmp_path, monkeypatch):
    put(tmp_path / "mine", originals)
    monkeypatch.setenv("FASHION_MNIST_DIR", os.path.relpath(tmp_path / "mine", ROOT))
    monkeypatch.chdir(tmp_path)
    assert fashion_mnist.find() == "environment"


def test_folder_comes_before_the_network(place, originals, server):
    put(place, originals)
    assert (fashion_mnist.find(), fashion_mnist.fetch()) == ("folder", "folder")
    assert server.asked == []


def test_download_is_the_third_and_then_a_folder(place, originals, server):
    assert fashion_mnist.find() == "download"
    assert names(place) == []  # find does not download
    assert fashion_mnist.fetch() == "download"
    assert_whole(place, originals)
    forget()
    assert fashion_mnist.fetch() == "folder"
    assert sorted(server.asked) == sorted(originals)  # each file once


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


# Broken originals and broken servers


@pytest.mark.parametrize("fault", ["404", "wrong", "short", "cut", "silent"])
def test_nothing_half_finished_is_left(place, server, monkeypatch, fault):
    if fault == "silent":
        monkeypatch.setattr(files, "TIMEOUT", (1, 0.3))
    server.faults["*"] = fault
    assert fashion_mnist.fetch() == "stand-in"
    assert names(place) == []
    reason = {"404": "answered 404", "silent": "did not answer in time", "cut": "the connection failed"}
    assert reason.get(fault, "the file received is damaged") in reason_given()


def test_a_fault_in_the_last_file_keeps_the_whole_ones_only(place, originals, server):
    *good, last = originals
    server.faults[last] = "cut"
    assert fashion_mnist.fetch() == "stand-in"
    assert_whole(place, {name: originals[name] for name in good})
    forget()
    del server.faults[last]
    assert fashion_mnist.fetch() == "download"
    assert_whole(place, originals)
    assert server.asked.count(good[0]) == 1  # what is whole is not downloaded again


def test_the_next_address_is_tried(place, originals, server, monkeypatch):
    broken = Server(originals)
    broken.faults["*"] = "wrong"
    monkeypatch.setenv("FASHION_MNIST_URL", f"http://127.0.0.1:9/ {broken.url}/ {server.url}")
    assert fashion_mnist.fetch() == "download"
    broken.shutdown()
    broken.server_close()
    assert_whole(place, originals)
    assert sorted(broken.asked) == sorted(originals)


@pytest.mark.parametrize("keep", [0.5, 0])
def test_a_damaged_file_in_data_is_downloaded_again(place, originals, server, keep):
    put(place, originals)
    (place / LABELS).write_bytes(originals[LABELS][: int(keep * len(originals[LABELS]))])
    assert fashion_mnist.find() == "download"
    assert fashion_mnist.fetch() == "download"
    assert_whole(place, originals)
    assert server.asked == [LABELS]


def test_a_damaged_file_in_data_without_network_is_named(place, originals):
    put(place, {**originals, LABELS: b"not gzip"})
    assert fashion_mnist.fetch() == "stand-in"
    assert f"{LABELS} in data/ is damaged" in reason_given()


def test_a_damaged_file_in_the_named_folder_is_an_error(place, originals, tmp_path, monkeypatch, server):
    put(tmp_path / "mine", {**originals, LABELS: originals[LABELS][:-1]})
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path / "mine"))
    for name in ("find", "fetch", "load_batch", "load_fashion_mnist"):
        with pytest.raises(ValueError, match=rf"FASHION_MNIST_DIR is .*{LABELS} there is damaged"):
            getattr(fashion_mnist, name)()
    assert server.asked == []


def test_a_missing_file_in_the_named_folder_is_an_error(place, originals, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path / "mine"))
    with pytest.raises(FileNotFoundError, match=f"{IMAGES} is missing"):
        fashion_mnist.find()
    put(tmp_path / "mine", {name: body for name, body in originals.items() if name != LABELS})
    with pytest.raises(FileNotFoundError, match=f"{LABELS} is missing"):
        fashion_mnist.load_batch()


def break_downloads(monkeypatch, error):
    def half(url, path, store):
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **options: half)


def test_an_interrupted_download_leaves_nothing(place, server, monkeypatch):
    break_downloads(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        fashion_mnist.fetch()
    assert names(place) == []


def test_a_full_disk_leads_to_the_stand_in(place, server, monkeypatch):
    break_downloads(monkeypatch, OSError(28, "No space left on device"))
    assert fashion_mnist.fetch() == "stand-in"
    assert "could not be written" in reason_given()
    assert names(place) == []


# A file in place of the folder stands for a read-only folder: it stops root, too.


def test_a_read_only_data_folder_sends_the_download_to_the_cache(place, originals, server, tmp_path):
    place.rmdir()
    place.touch()
    assert fashion_mnist.fetch() == "download"
    assert_whole(tmp_path / "cache", originals)
    forget()
    assert fashion_mnist.find() == "folder"


def test_no_writable_folder_leads_to_the_stand_in(place, server, tmp_path):
    place.rmdir()
    place.touch()
    (tmp_path / "cache").touch()
    assert fashion_mnist.fetch() == "stand-in"
    assert "no folder can be written to" in reason_given()
    assert server.asked == []


def test_a_file_that_another_process_reads_on_windows(place, originals, server, monkeypatch):
    def refused(source, target):
        Path(target).write_bytes(arriving[Path(target).name])  # the other process was faster
        raise PermissionError(13, "in use")

    monkeypatch.setattr(pooch.core.shutil, "move", refused)
    arriving = dict.fromkeys(originals, b"half")
    assert fashion_mnist.fetch() == "stand-in"
    forget()
    arriving = originals
    assert [files._download(place, name, server.url) for name in originals] == [""] * 4


CHILD = """
import json, sys
from pathlib import Path
from helpers import data
from helpers.data import files
files.FOLDER = Path(sys.argv[1])
files.FILES = json.loads(sys.argv[2])
x, y = data.load_batch(20)
print(data.fetch(), x.shape, y.sum())
"""


def test_two_processes_at_once(place, originals, server):
    server.faults["*"] = "pair"  # the first file is held back until both ask for it; all come slowly
    command = [sys.executable, "-c", CHILD, str(place), json.dumps(files.FILES)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    pair = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    while any(process.poll() is None for process in pair):
        for name, body in originals.items():
            if (place / name).exists():
                assert (place / name).stat().st_size == len(body)  # never half a file under its final name
        time.sleep(0.01)
    (first, errors), (second, _) = [process.communicate() for process in pair]
    assert first == second
    assert first.startswith("download (20, 784)"), errors
    assert_whole(place, originals)
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


def test_import_is_light():
    heavy = {"pooch", "requests", "tqdm", "matplotlib"}
    code = f"import sys, helpers.data.fashion_mnist; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
