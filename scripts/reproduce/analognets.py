"""AnalogNets' training on keywords: one ADC gain for all layers, two stages, 8, 6 and 4 bit, a day after programming.

    ANALOGNAS_DATA=FOLDER python scripts/reproduce/analognets.py measure WEIGHTS [--seeds 0 1] [--chips 12]
    python scripts/reproduce/analognets.py table

The task is `speech-commands` from the copy of the official test set, 4,890 clips split by speaker: its accuracies are
not those of the whole data set. The network is `analognet-kws-like`, DS-CNN with dense 3 x 3 convolutions. Of each seed
stage 1 trains it in floating point, weights clipped at two standard deviations. From there every configuration trains
as long:

    no-noise     in floating point, clipped as in stage 1; this is the floating-point reference as well
    noise        noise of ETA times the largest weight, no converters
    calibrated   noise and converters, ranges and gain as calibrated before
    shared       noise and converters with learned ranges, one gain for all layers
    layer        the same with a gain for each layer

Converters of the first two are calibrated after the training. All run on the same chips: `pcm-analognas` on an array of
1024 x 512, `DAC = ADC + 1` bits, one scale a layer. `measure` keeps a line a configuration in `analognets.jsonl` beside
this file and trained weights in the folder WEIGHTS; what is there is not measured again. `table` prints losses in
points with 95 % intervals over chips and test images, what tiles hold, and what the network costs on `aon-cim`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import hwsim
from analognas.evaluation.prepared import PreparedTask, prepare
from analognas.evaluation.training import calibration_batches
from analognas.paired_bootstrap import difference
from analognas.record.correct_images import CorrectImages
from analognas.seeds import derive_seed
from analognas.tasks.audio.speech_commands import SpeechCommandsSpec
from analognas.training.augmentation import Augmentation
from analognas.training.loop import Schedule, plain_step, train
from search_spaces import initialise, published

KEPT: Final = Path(__file__).with_suffix(".jsonl")
NETWORK: Final = "analognet-kws-like"
TIMES_S: Final = (1.0, 86_400.0)
ETA: Final = 0.1
CLIP_SIGMA: Final = 2.0
STAGE_1: Final = Schedule(60, 64, "adam", 5e-3, 0.1, 1e-3)
STAGE_2: Final = Schedule(12, 64, "adam", 2e-3, 0.1, 0.0)
FLOATING_POINT: Final = {
    "converters": {"dac_bits": None, "adc_bits": None, "out_bound": None, "weight_scaling": "layer"}
}


class Configuration(NamedTuple):
    """How stage 2 trains, and the bits of the ADC that it is measured at."""

    training: str
    bits: tuple[int, ...]


CONFIGURATIONS: Final = (
    Configuration("no-noise", (8, 6, 4)),
    Configuration("shared", (8,)),
    Configuration("layer", (8,)),
    Configuration("shared", (4,)),
    Configuration("noise", (8, 6, 4)),
    Configuration("calibrated", (4,)),
    Configuration("shared", (6,)),
)


def hardware(bits: int, gain: str = "shared") -> hwsim.Hardware:
    """Return the array with an ADC of `bits`."""
    converters = {"dac_bits": bits + 1, "adc_bits": bits, "adc_gain": gain, "weight_scaling": "layer"}
    tile = {"rows": 1024, "columns": 512}
    return hwsim.preset("pcm-analognas").replace({"tile": tile, "converters": converters})


def keywords() -> PreparedTask:
    """Return the task, training clips shifted by at most 100 ms."""
    return prepare(SpeechCommandsSpec().build(), Augmentation(time_shift=5))


def digitally(net: nn.Module, task: PreparedTask, schedule: Schedule, seed: int, purpose: str) -> None:
    """Train in floating point, weights clipped after each update."""
    generator = torch.Generator().manual_seed(derive_seed(seed, purpose))
    train(
        net,
        task.train,
        schedule,
        generator,
        plain_step(net),
        after_update=lambda: hwsim.clip_weights(net, CLIP_SIGMA),
    )


def on_tiles(net: nn.Module, task: PreparedTask, chip: hwsim.Hardware) -> nn.Module:
    """Return the network on tiles, ranges and gain calibrated."""
    analog = hwsim.to_analog(net, chip)
    hwsim.calibrate(analog, calibration_batches(task))
    return analog


def hardware_aware(
    net: nn.Module, task: PreparedTask, chip: hwsim.Hardware, seed: int, *, learn_ranges: bool, eta: float
) -> nn.Module:
    """Return the analog network after stage 2."""
    analog = on_tiles(net, task, chip)
    hwa = hwsim.HwaTraining(
        analog,
        seed=derive_seed(seed, "noise"),
        weight_noise=eta,
        clip_sigma=CLIP_SIGMA,
        ramp_steps=round(0.2 * STAGE_2.n_steps(len(task.train))),
        learn_ranges=learn_ranges,
        range_decay=0.0,
        freeze_scales=True,
    )
    inner = plain_step(analog)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with hwa.step():
            return inner(x, y)

    generator = torch.Generator().manual_seed(derive_seed(seed, "stage 2"))
    train(analog, task.train, STAGE_2, generator, step, after_update=hwa.after_update, ranges=hwa.ranges)
    return analog


def stage_1(task: PreparedTask, seed: int, weights: Path) -> nn.Module:
    """Return the network after stage 1, trained before or now."""

    def trained(net: nn.Module) -> None:
        initialise(net, torch.Generator().manual_seed(derive_seed(seed, "initialisation")))
        net.to(memory_format=torch.channels_last)
        digitally(net, task, STAGE_1, seed, "stage 1")

    return _kept(_network(task), weights / f"stage-1-{seed}.safetensors", trained)


def stage_2(
    configuration: Configuration, first: nn.Module, task: PreparedTask, seed: int, weights: Path
) -> Callable[[int], nn.Module]:
    """Train as the configuration says, and return what gives the analog network at a number of bits."""
    how = configuration.training
    if how == "no-noise":

        def trained(net: nn.Module) -> None:
            net.load_state_dict(first.state_dict())
            digitally(net, task, STAGE_2, seed, "stage 2")

        longer = _kept(_network(task), weights / f"no-noise-{seed}.safetensors", trained)
        return lambda bits: on_tiles(longer, task, hardware(bits))
    if how == "noise":
        chip = hwsim.preset("pcm-analognas").replace(
            {"tile": hardware(8).tile.model_dump(), **FLOATING_POINT}
        )
        noisy = hwsim.to_digital(hardware_aware(first, task, chip, seed, learn_ranges=False, eta=ETA))
        return lambda bits: on_tiles(noisy, task, hardware(bits))
    (bits,) = configuration.bits
    chip = hardware(bits, "layer" if how == "layer" else "shared")
    analog = hardware_aware(first, task, chip, seed, learn_ranges=how != "calibrated", eta=ETA)
    return lambda _: analog


def _network(task: PreparedTask) -> nn.Module:
    return published(NETWORK, task.source.input_shape, task.source.n_classes)


def _kept(net: nn.Module, path: Path, trained: Callable[[nn.Module], None]) -> nn.Module:
    """Return `net` with the weights of a file, or trained and written to it."""
    if path.exists():
        net.load_state_dict(load_file(path))
    else:
        trained(net)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, path)
    net.to(memory_format=torch.channels_last)
    return net.eval()


@torch.no_grad()
def digitally_correct(net: nn.Module, task: PreparedTask) -> npt.NDArray[np.bool_]:
    """Return which test clips a network gets right in floating point, `(1, clips)`."""
    found = torch.cat([net(x).argmax(1) for x in task.test.x.split(256)])
    return np.asarray((found == task.test.y).numpy()[None])


def measure(seeds: list[int], chips: int, weights: Path) -> None:
    """Measure what is not kept yet, and keep it."""
    task, rows = keywords(), kept()
    for seed in seeds:
        first: nn.Module | None = None
        for configuration in CONFIGURATIONS:
            names = [(seed, configuration.training, bits) for bits in configuration.bits]
            if all(name in rows for name in names):
                continue
            start = time.perf_counter()
            first = first or stage_1(task, seed, weights)
            at = stage_2(configuration, first, task, seed, weights)
            for name in names:
                analog = at(name[2])
                curve = hwsim.accuracy_over_time(
                    hwsim.program(analog, n=chips, seed=derive_seed(seed, "chips")),
                    task.test.x,
                    task.test.y,
                    TIMES_S,
                    progress=False,
                )
                rows[name] = _row(name, analog, curve, first, task, time.perf_counter() - start)
                keep(rows)
                print(
                    f"{name}: {100 * curve.mean[1]:.2f} % after 24 h, {rows[name]['seconds']:.0f} s",
                    flush=True,
                )


def _row(
    name: tuple[int, str, int],
    analog: nn.Module,
    curve: hwsim.DriftCurve,
    first: nn.Module,
    task: PreparedTask,
    seconds: float,
) -> dict[str, Any]:
    layers = hwsim.analog_parameters(analog)["layers"]
    digital = digitally_correct(hwsim.to_digital(analog), task)
    correct = CorrectImages.of(curve, TIMES_S[1])
    assert correct is not None
    return {
        "seed": name[0],
        "training": name[1],
        "bits": name[2],
        "seconds": round(seconds, 1),
        "stage_1": float(digitally_correct(first, task).mean()),
        "digital": float(digital.mean()),
        "accuracy_1s": float(curve.mean[0]),
        "accuracy_1d": float(curve.mean[1]),
        "std_1d": float(curve.std[1]),
        "out_bound": sorted({layer["out_bound"] for layer in layers.values()}),
        "images": correct.images,
        "digital_correct": CorrectImages.packed(digital).bits,
        "correct_1d": correct.bits,
    }


def kept() -> dict[tuple[int, str, int], dict[str, Any]]:
    """Return what is kept, by seed, training and bits."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(row["seed"], row["training"], row["bits"]): row for row in rows}


def keep(rows: dict[tuple[int, str, int], dict[str, Any]]) -> None:
    """Write what is kept, a line a configuration."""
    KEPT.write_text("".join(json.dumps(rows[key], separators=(",", ":")) + "\n" for key in sorted(rows)))


def table() -> None:
    """Print what is kept, what tiles hold, and costs."""
    rows = kept()
    for seed in sorted({key[0] for key in rows}):
        reference = rows[seed, "no-noise", 8]
        print(
            f"seed {seed}: floating point {100 * reference['digital']:.2f} %, after stage 1 "
            f"{100 * reference['stage_1']:.2f} %; {reference['images']} test clips, "
            f"{len(_correct(reference, 'correct_1d'))} chips"
        )
        floating = _correct(reference, "digital_correct")
        for (_, training, bits), row in ((key, row) for key, row in rows.items() if key[0] == seed):
            found = _correct(row, "correct_1d")
            loss = difference([([found], [np.repeat(floating, len(found), axis=0)])])
            bounds = ", ".join(f"{bound:.2f}" for bound in row["out_bound"])
            print(
                f"  {training:<10} {bits} bit  {100 * row['accuracy_1d']:6.2f} ± {100 * row['std_1d']:.2f} %  "
                f"{loss}  digital {100 * row['digital']:.2f} %, 1 s {100 * row['accuracy_1s']:.2f} %, "
                f"out_bound {bounds}, {row['seconds']:.0f} s"
            )
        for (one, one_bits), (other, other_bits) in COMPARED:
            pair = [rows.get((seed, *which)) for which in ((one, one_bits), (other, other_bits))]
            if pair[0] is not None and pair[1] is not None:
                gained = difference([([_correct(pair[0], "correct_1d")], [_correct(pair[1], "correct_1d")])])
                print(f"  {one} {one_bits} bit - {other} {other_bits} bit: {gained}")
    for name in ("ds-cnn", NETWORK):
        show_tiles(name)
    for mode in ("8-bit", "4-bit"):
        for name in ("ds-cnn", NETWORK):
            show_cost(name, mode)


COMPARED: Final = (
    (("shared", 8), ("layer", 8)),
    (("noise", 4), ("no-noise", 4)),
    (("shared", 4), ("noise", 4)),
    (("calibrated", 4), ("noise", 4)),
    (("shared", 4), ("calibrated", 4)),
)


def _correct(row: dict[str, Any], name: str) -> npt.NDArray[np.bool_]:
    return CorrectImages(row["images"], row[name]).unpacked()


def show_tiles(name: str) -> None:
    """Print what a network fills of the array, layer by layer on it."""
    net = hwsim.to_analog(published(name, (1, 49, 10), 12), hardware(8))
    tiles = hwsim.tile_map(net)
    print(f"{name}: {tiles.n_tiles} tiles of 1024 x 512, utilisation {100 * tiles.utilisation:.2f} %")
    for layer, mapping in tiles.layers.items():
        filled = 100 / mapping.groups  # of a matrix of diagonal blocks
        print(
            f"  {layer:<12} {mapping.rows:>4} x {mapping.columns:<3} of which {filled:6.2f} % are weights, "
            f"{100 * tiles.utilisation_of(layer):.2f} % of the tile"
        )


def show_cost(name: str, mode: str) -> None:
    """Print what an inference costs on AON-CiM, one layer after the other."""
    found = hwsim.cost(
        published(name, (1, 49, 10), 12), "aon-cim", mode=mode, input_shape=(1, 49, 10)
    ).to_json()
    print(
        f"aon-cim, {mode}, layer-serial, {name}: {found['energy_uj']['total']:.3f} uJ, "
        f"{found['latency_us']:.1f} us, {found['inferences_per_j']:.0f} inferences/J, "
        f"{found['tops_per_w']['sustained']:.2f} TOPS/W sustained, tiles {found['tiles']}, "
        f"utilisation {100 * found['utilisation']:.1f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure", help="train, measure and keep")
    measuring.add_argument("weights", type=Path, help="folder for trained weights")
    measuring.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    measuring.add_argument("--chips", type=int, default=12)
    commands.add_parser("table", help="print what is kept")
    options = parser.parse_args()
    if options.command == "table":
        table()
    elif options.chips < 2:
        parser.error(f"`--chips >= 2` must hold, got {options.chips}")
    else:
        measure(options.seeds, options.chips, options.weights)


if __name__ == "__main__":
    main()
