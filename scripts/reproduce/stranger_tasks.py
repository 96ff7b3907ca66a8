"""Builds the five small tasks from outside of docs/results.md.

    python scripts/reproduce/stranger_tasks.py FOLDER

reads the data sets below ANALOGNAS_DATA and writes, into FOLDER, an `.npz` file where a task needs one and a
configuration for each: what `analognas init` writes, with the parameters and MACs of the reference as bounds.

===============  =======================================================================================
`cifar-grey`     CIFAR-10 (JPEG re-encoded) in grey: 1,238 images train, 413 validate, 2,000 test
`cifar-colour`   the same in colour: 3,000 train, 1,000 validate, 2,000 test
`omniglot`       which of ten alphabets a character is of: 2,000 train, split by drawer
`spoken-digits`  Free Spoken Digit Dataset: 600 clips of three speakers train, two validate, one tests
`digits-24`      scikit-learn's digits enlarged to 24 × 24: 600 train, 300 validate, 897 test
===============  =======================================================================================
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from PIL import Image

from analognas.config.suited import augmentation_for, reference_for
from analognas.config.template import template
from analognas.tasks.look.sound import COPIES, SPEED
from search_spaces import count_network, published

Arrays = dict[str, np.ndarray]

ALPHABETS: Final = {
    "Armenian": (27, 67),
    "Bengali": (132, 177),
    "Cyrillic": (218, 250),
    "Futurama": (325, 350),
    "Grantha": (351, 393),
    "Greek": (394, 417),
    "Gujarati": (418, 465),
    "Hebrew": (466, 487),
    "Hiragana": (488, 539),
    "Korean": (643, 682),
}
"""Characters of ten alphabets of Omniglot's background set, first and last, counted from 1."""

SEED: Final = 20_261_128
"""Of every choice of items."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Build five small tasks from outside.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    data = Path(os.environ.get("ANALOGNAS_DATA", ""))
    if not os.environ.get("ANALOGNAS_DATA") or not data.is_dir():
        raise SystemExit("ANALOGNAS_DATA must name the folder of the data sets")
    folder.mkdir(parents=True, exist_ok=True)
    tasks: dict[str, Callable[[], Arrays] | None] = {
        "cifar-grey": lambda: cifar(data, "L", 1238, 413, 2000),
        "cifar-colour": lambda: cifar(data, "RGB", 3000, 1000, 2000),
        "omniglot": lambda: omniglot(data),
        "spoken-digits": None,
        "digits-24": digits,
    }
    for name, arrays in tasks.items():
        if arrays is None:
            copies = {"copies": COPIES, "speed": list(SPEED)}
            task, shape = {"kind": "fsdd", "max_train": 600, "noise": copies}, (1, 49, 10)
        else:
            values = arrays()
            np.savez_compressed(folder / f"{name}.npz", **values)
            x = values["x_train"]
            shape = (1, *x.shape[1:]) if x.ndim == 3 else (x.shape[3], *x.shape[1:3])
            task = {"kind": "arrays", "path": f"{name}.npz"}
        reference = reference_for(shape)
        (folder / f"{name}.yaml").write_text(configuration(name, task, shape, reference))
        print(f"{name}: {shape}, reference {reference}")


def configuration(name: str, task: dict[str, Any], shape: tuple[int, ...], reference: str) -> str:
    """Return the template with this task, and with the size of its reference as bounds."""
    config = yaml.safe_load(template("arrays"))
    parameters, macs = count_network(published(reference, shape, 10), shape)
    config |= {"name": name, "task": task, "references": [reference]}
    inputs = "spectra" if task["kind"] == "fsdd" else "images"
    config["training"]["augmentation"] = augmentation_for(inputs, shape)
    config["constraints"] = {"parameters": parameters, "macs": macs, "avm": 0.05}
    return yaml.safe_dump(config, sort_keys=False)


def cifar(data: Path, mode: str, n_train: int, n_validation: int, n_test: int) -> Arrays:
    """Return images `(n, 32, 32)` or `(n, 32, 32, 3)` uint8; the test images are of the official test split."""
    file = np.load(data / "cifar10_jpeg" / "cifar10_jpeg.npz")

    def decoded(split: str, rows: np.ndarray) -> np.ndarray:
        jpeg, offsets = file[f"jpeg_{split}"], file[f"offsets_{split}"]
        images = (Image.open(io.BytesIO(jpeg[offsets[row] : offsets[row + 1]].tobytes())) for row in rows)
        return np.stack([np.asarray(image.convert(mode)) for image in images])

    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(file["y_train"]))[: n_train + n_validation]
    train, validation = chosen[:n_train], chosen[n_train:]
    test = rng.permutation(len(file["y_test"]))[:n_test]
    return {
        "x_train": decoded("train", train),
        "y_train": file["y_train"][train],
        "x_val": decoded("train", validation),
        "y_val": file["y_train"][validation],
        "x_test": decoded("test", test),
        "y_test": file["y_test"][test],
    }


def omniglot(data: Path) -> Arrays:
    """Return characters `(n, 28, 28)` uint8; twelve drawers train, three validate, five test."""
    images = np.load(data / "omniglot" / "images_background.npz")["images"]
    rng = np.random.default_rng(SEED)
    arrays: Arrays = {}
    for split, drawers, most in (
        ("train", range(12), 200),
        ("val", range(12, 15), 60),
        ("test", range(15, 20), 200),
    ):
        x, y = [], []
        for label, (first, last) in enumerate(ALPHABETS.values()):
            drawn = images[first - 1 : last, drawers.start : drawers.stop].reshape(-1, *images.shape[2:])
            for row in rng.permutation(len(drawn))[:most]:
                image = Image.fromarray(np.where(drawn[row], 0, 255).astype(np.uint8))
                x.append(np.asarray(image.resize((28, 28), Image.Resampling.BOX)))
                y.append(label)
        arrays |= {f"x_{split}": np.stack(x), f"y_{split}": np.array(y)}
    return arrays


def digits() -> Arrays:
    """Return scikit-learn's digits as `(n, 24, 24)` uint8, bilinearly enlarged."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    order = np.random.default_rng(SEED).permutation(len(loaded.target))
    small = (loaded.images[order] * (255 / 16)).astype(np.uint8)
    x = np.stack(
        [np.asarray(Image.fromarray(image).resize((24, 24), Image.Resampling.BILINEAR)) for image in small]
    )
    y = loaded.target[order]
    parts = {"train": slice(0, 600), "val": slice(600, 900), "test": slice(900, None)}
    return {
        f"{axis}_{name}": values[part]
        for name, part in parts.items()
        for axis, values in (("x", x), ("y", y))
    }


if __name__ == "__main__":
    main()
