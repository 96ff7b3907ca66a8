"""Networks taken up again from files alone: architecture.json, weights, conductances; no code from them is run."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

import hwsim
from analognas.errors import UserError
from analognas.export.standardised import TENSORS, Standardised
from analognas.runs.architecture_file import load_weights, read_architecture
from analognas.runs.validate import chips_of_conductances, path_of_architecture
from analognas.specs.given import GivenObjects


def network_of_files(path: Path, weights: Path | None, objects: GivenObjects | None = None) -> Standardised:
    """Return a trained network with the normalisation of its inputs, in evaluation mode: raw inputs to logits.

    Args:
        path: an architecture.json, a `best/` folder or a run directory.
        weights: a model.safetensors; None: the one beside the architecture.
        objects: Python objects that the architecture names and cannot hold.

    Raises:
        UserError: when a file is missing, or the weights do not fit the architecture.
    """
    architecture = read_architecture(path_of_architecture(path), objects)
    shape = architecture.content.input_shape
    file = architecture.weights if weights is None else weights
    network = architecture.build()
    load_weights(network, file, shape)
    try:
        with safe_open(file, framework="pt") as stored:
            mean, std = (stored.get_tensor(name).clone() for name in TENSORS)
        return Standardised(network, mean, std, shape).eval()
    except (SafetensorError, ValueError) as error:
        raise UserError(f"{file}: has no usable `mean` and `std` of the inputs: {error}") from None


def chips_of_files(
    path: Path, weights: Path | None, conductances: Path, objects: GivenObjects | None = None
) -> hwsim.Chips:
    """Return the chips that a file of conductances holds: standardised inputs to logits.

    Args:
        path: an architecture.json, a `best/` folder or a run directory.
        weights: a model.safetensors; None: the one beside the architecture.
        conductances: as the export format `conductances` writes them; they may have been measured since.
        objects: Python objects that the architecture names and cannot hold.

    Raises:
        UserError: when a file is missing, or the conductances belong to another network.
    """
    architecture = read_architecture(path_of_architecture(path), objects)
    network = network_of_files(path, weights, objects).network
    return chips_of_conductances(network, architecture, conductances)
