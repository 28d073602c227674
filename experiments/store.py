"""The files in `results/`: readable, small, the same bytes for the same numbers."""

import json
from importlib.metadata import version

from helpers import data
from helpers.data.results import FOLDER

PACKAGES = ("keras", "numpy", "tensorflow")
WIDTH = 110


def write(name, entries, folder=FOLDER) -> None:
    """Write `results/NAME.json`: how it was made, then the entries in their own order."""
    made = {
        "made_by": f"python3 -m experiments {name}",
        "versions": {package: version(package) for package in PACKAGES},
        "images": "Fashion-MNIST" if data.load_fashion_mnist().real else "stand-in",
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(text_of(made | entries) + "\n", encoding="utf-8")


def read(name) -> dict:
    """Return a stored result as plain dictionaries and lists."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def text_of(value, indent=0) -> str:
    """Return JSON with one entry a line, and lists of numbers on one line where they have room."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(line) + indent <= WIDTH:
        return line
    if isinstance(value, list) and not any(isinstance(entry, dict | list) for entry in value):
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        rows = [
            f"{json.dumps(key, ensure_ascii=False)}: {text_of(entry, indent + 2)}"
            for key, entry in value.items()
        ]
    else:
        rows = [text_of(entry, indent + 2) for entry in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(rows) + f"\n{' ' * indent}{closing}"
