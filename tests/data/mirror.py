"""Four files of Fashion-MNIST's form and a server on 127.0.0.1 that has them, whole or spoiled."""

import gzip
import hashlib
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from helpers.data import fashion_mnist, files, standin

REAL = os.environ.get("FASHION_MNIST_DIR")
REAL = files.PROJECT / REAL if REAL else None
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


class Server(ThreadingHTTPServer):
    """Serves a folder's files on 127.0.0.1; `faults[name]` spoils one file, `faults["*"]` all."""

    def __init__(self, bodies):
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies, self.faults, self.asked = bodies, {}, []
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
        body = self.server.bodies[name]
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


def original_files():
    """The four real files where they are, else small ones of the same form: name → bytes."""
    return {name: (REAL / name).read_bytes() for name in files.FILES} if REAL else small_files()


def forget():
    """Forget what was found and loaded."""
    for cached in (files.place_of, fashion_mnist._load, fashion_mnist._remembered):
        cached.cache_clear()


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def put(folder, bodies):
    """Write files into a folder, making it."""
    folder.mkdir(exist_ok=True)
    for name, body in bodies.items():
        (folder / name).write_bytes(body)


def reason_given():
    """Why the images are not the real ones, as `FashionMnist.notice` tells it; empty for the real ones."""
    return files.place_of(files.current_settings()).notice
