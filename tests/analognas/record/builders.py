"""Trials for tests of the record and the driver."""

from analognas.record.trial import DriftRecord, Failure, Trial


def a_trial(
    number: int = 1, *, failed: bool = False, accuracy: float = 0.9, parameters: float = 1000.0, **changes
) -> Trial:
    values = {
        "number": number,
        "genotype": (8, 3, number),
        "architecture": {"OC0": 8, "blocks": [{"CT": "A"}]},
        "origin": "latin-hypercube",
        "predicted": {"accuracy_1d": 0.8},
        "asked_after": number - 1,
        "position": 0,
        "seed": 123,
        "status": "failed" if failed else "completed",
        "metrics": {}
        if failed
        else {
            "accuracy_1d": accuracy,
            "std_1d": 0.01,
            "avm": 0.02,
            "accuracy_1s": accuracy + 0.01,
            "digital_accuracy": 0.95,
            "parameters": parameters,
            "macs": 1e5,
            "tiles": 3.0,
            "utilisation": 0.4,
        },
        "curve": None if failed else DriftRecord((1.0, 86400.0), ((0.91, 0.92), (0.9, 0.9))),
        "failure": Failure("diverged", "Traceback …") if failed else None,
        "threads": 2,
        "wall_time_s": 1.5,
        "finished_at": "2026-01-01T00:00:00.000+00:00",
        "versions": {"torch": "2.13.0"},
    }
    return Trial(**{**values, **changes})
