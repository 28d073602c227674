"""Examine a saved Keras model from a terminal: the clinic without a notebook.

    python3 -m helpers.clinic model.keras data.npz              the report
    python3 -m helpers.clinic model.keras data.npz --json       the same as JSON, for scripts

`data.npz` holds one batch as the arrays x and y (`numpy.savez("data.npz", x=x, y=y)`) and, if you like, the
logs of a run as loss and val_loss. The status is 1 where something severe was found, 2 where a file can't be
read.
"""

import argparse
import json
import sys
import zipfile

import numpy as np

LOGS = ("loss", "val_loss", "accuracy", "val_accuracy")


def main(arguments=None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python3 -m helpers.clinic",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a .keras file")
    parser.add_argument("data", help="an .npz file with x and y")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        found = examined(options.model, options.data)
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        print(f"{options.model}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(found.as_data(), indent=2, ensure_ascii=False) if options.json else found)
    return int(any(finding.severity == "severe" for finding in found))


def examined(model, data):
    """Return the `Findings` on a saved model and a file of arrays; raises ValueError without x and y."""
    from helpers.clinic import examine_model
    from helpers.networks.keras_models import keras

    arrays = np.load(data)
    if missing := {"x", "y"} - set(arrays.files):
        raise ValueError(
            f"{data} holds no {' and no '.join(sorted(missing))}; it has {', '.join(arrays.files)}"
        )
    logs = {name: arrays[name] for name in LOGS if name in arrays.files}
    return examine_model(keras().models.load_model(model), arrays["x"], arrays["y"], history=logs or None)


if __name__ == "__main__":
    sys.exit(main())
