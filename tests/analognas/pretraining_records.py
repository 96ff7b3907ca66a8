"""Files of records whose measurements are a formula of the networks, for tests of what is fitted on them."""

from pathlib import Path

import numpy as np

import hwsim
from analognas.record.records_file import write_records
from analognas.spaces.staged import StagedSpec

SPACE = {"kind": "staged", "width": [8, 32], "stem_width": [8, 16], "stages": 2, "types": "BD"}


def made_up_records(
    path: Path,
    *,
    n: int = 80,
    seed: int = 0,
    name: str = "made-up",
    size: int = 8,
    hardware: str | hwsim.Hardware = "pcm-hermes-2",
    shift: float = 0.0,
    data: str = "",
    again: int = 0,
    noise: float = 0.01,
    space: dict[str, object] | None = None,
    sign: float = 1.0,
) -> Path:
    """Write `n` networks; accuracy rises with parameters and falls with depth; `again` of them have three trainings.

    `shift` is added to all accuracies: what the hardware does; `data` is the hash of the data, another
    one for each size unless it is given.
    """
    section = {**SPACE, **(space or {})}
    chip = hwsim.preset(hardware) if isinstance(hardware, str) else hardware
    built = StagedSpec.model_validate(section).build((1, size, size), 10)
    rng = np.random.default_rng(seed)
    population = np.unique(built.sample(2 * n, rng), axis=0)
    population = rng.permutation(population)[:n]
    depth = built.encode(population)["depth"].to_numpy(dtype=np.float64)
    truth = 0.3 + sign * (0.05 * np.log(built.parameters(population)) - 0.004 * depth)
    rows = []
    for run in range(1, 4 if again else 2):
        for number, (genotype, value) in enumerate(zip(population.tolist(), truth, strict=True), start=1):
            if run > 1 and number > again:
                continue
            rows.append(
                {
                    "run": run,
                    "number": number,
                    "origin": "given",
                    "seed": run,
                    "genotype": " ".join(map(str, genotype)),
                    "accuracy_1d": value + shift + noise * rng.standard_normal(),
                    "std_1d": 0.01 + 0.001 * rng.random(),
                    "avm": 0.2 - 0.1 * value + 0.1 * noise * rng.standard_normal(),
                    "failure": "",
                }
            )
    header = {
        "name": name,
        "config": {
            "task": {"kind": "digits"},
            "space": section,
            "hardware": chip.model_dump(mode="json"),
            "chip": None,
            "constraints": {"parameters": 60_000, "avm": 0.05},
            "training": {},
            "evaluation": {},
        },
        "input_shape": [1, size, size],
        "n_classes": 10,
        "data_sha256": data or str(size),
        "runs": [{"seed": run, "strategy": "random", "environment": {}} for run in range(3 if again else 1)],
    }
    write_records(path, header, rows)
    return path
