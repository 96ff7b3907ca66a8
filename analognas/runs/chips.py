"""From the files of a found network to its programmed chips."""

from __future__ import annotations

from pathlib import Path

import hwsim
from analognas.compose import final_task
from analognas.config.hardware_file import read_hardware
from analognas.errors import UserError
from analognas.evaluation.evaluator import chip_seed
from analognas.evaluation.prepared import prepare
from analognas.evaluation.training import on_tiles
from analognas.runs.architecture_file import load_weights, read_architecture
from analognas.runs.stored_ranges import ranges_fit
from analognas.specs.given import GivenObjects


def chips_of(
    folder: Path,
    n: int,
    seed: int | None,
    hardware: hwsim.Hardware | str | None,
    objects: GivenObjects | None = None,
) -> hwsim.Chips:
    """Program chips with the network in a `best/` folder.

    The input ranges are those of its `analog.json`. Other tiles cut layers into other row blocks with ranges of their
    own, and other gains need other ones; they are calibrated on the data of the run, as `validate` does.

    Args:
        folder: with architecture.json, model.safetensors and analog.json.
        n: how many chips.
        seed: of the chips; None: that of the run.
        hardware: a chip, the name of a preset or a YAML file; None: that of the run.
        objects: Python objects that the files name and cannot hold.

    Raises:
        UserError: when a file is missing or damaged, or a value does not fit.
    """
    architecture = read_architecture(folder / "architecture.json", objects)
    network = architecture.build()
    load_weights(network, architecture.weights, architecture.content.input_shape)
    content = architecture.content
    chosen = hardware or content.hardware
    if isinstance(chosen, str):
        chosen = read_hardware(chosen)
    if not isinstance(chosen, hwsim.Hardware):
        raise UserError(
            f"`hardware` must be hwsim.Hardware, the name of a preset or a YAML file, got {hardware!r:.80}"
        )
    try:
        if ranges_fit(chosen, content.hardware):
            analog = hwsim.load_analog(network, folder / "analog.json", chosen)
        else:
            task = prepare(content.task.build(), content.training.augmentation.augmentation())
            analog = on_tiles(network, final_task(task, content.final), chosen)
        return hwsim.program(analog, n, chip_seed(content.seed) if seed is None else seed)
    except (ValueError, TypeError) as error:
        raise UserError(str(error)) from None
