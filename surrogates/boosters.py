"""Fitted boosted regressors: what the surrogates of XGBoost have in common, whatever they minimise.

References:
    T. Chen and C. Guestrin, XGBoost: A scalable tree boosting system, KDD 2016, arXiv 1603.02754.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from surrogates.base_spec import BuiltInSpec
from surrogates.model_files import inside, write_manifest
from surrogates.surrogate import FittedSurrogate, Prediction
from surrogates.training_table import feature_array

if TYPE_CHECKING:
    import pandas as pd
    import xgboost


class BoostedSpec(BuiltInSpec):
    """What the sections of boosted surrogates share."""

    learning_rate: float = Field(default=0.1, gt=0, le=1, description="shrinkage of each tree")
    max_depth: int = Field(default=4, ge=1, le=12, description="depth of a tree")
    feature_share: float = Field(
        default=0.3, gt=0, le=1, description="share of the features of a tree, 8 at least"
    )
    n_jobs: int = Field(default=1, ge=1, le=256, description="threads; predictions do not depend on them")

    @classmethod
    def load(
        cls, folder: Path, manifest: dict[str, Any], members: Sequence[FittedSurrogate]
    ) -> FittedBoosters:
        """Return the boosters that `save` wrote into `folder`."""
        return FittedBoosters(
            kind=manifest["kind"],
            feature_names=manifest["features"],
            target_names=manifest["targets"],
            location=np.array(manifest["location"], dtype=np.float64),
            scale=np.array(manifest["scale"], dtype=np.float64),
            boosters=[[_read(inside(folder, name)) for name in names] for names in manifest["files"]],
            n_jobs=manifest["n_jobs"],
        )


@final
@dataclass(frozen=True)
class FittedBoosters:
    """Boosted regressors by target and member.

    Attributes:
        kind: of the surrogate that fitted them.
        feature_names: of the fit.
        target_names: of the fit.
        location: `(targets,)` of a target on its own scale.
        scale: `(targets,)` what the boosters say is multiplied by, before the location is added.
        boosters: one row a target, one column a member.
        n_jobs: threads of a prediction.
    """

    kind: str
    feature_names: list[str]
    target_names: list[str]
    location: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    boosters: Sequence[Sequence[xgboost.Booster]]
    n_jobs: int

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Predict every target for `(n, features)` candidates; std is that of the members, 0 for a single one.

        Raises:
            ValueError: when a feature of the fit is missing.
        """
        import pandas as pd
        import xgboost

        table = xgboost.DMatrix(feature_array(features, self.feature_names), nthread=self.n_jobs)
        # (targets, members, n): one table for all members, because building it costs more than a prediction.
        votes = np.array(
            [[booster.predict(table) for booster in members] for members in self.boosters], dtype=np.float64
        )
        mean = votes.mean(axis=1).T * self.scale + self.location
        std = votes.std(axis=1).T * self.scale
        return Prediction(
            mean=pd.DataFrame(mean, columns=self.target_names, index=features.index),
            std=pd.DataFrame(std, columns=self.target_names, index=features.index),
        )

    def save(self, folder: Path) -> None:
        """Write `manifest.json` and one `.ubj` file a booster into `folder`, which is created.

        Raises:
            OSError: when the folder cannot be written, because the disk is full for one.
        """
        names = [
            [f"target{target}-member{member}.ubj" for member in range(len(members))]
            for target, members in enumerate(self.boosters)
        ]
        manifest = {
            "kind": self.kind,
            "features": self.feature_names,
            "targets": self.target_names,
            "location": self.location.tolist(),
            "scale": self.scale.tolist(),
            "n_jobs": self.n_jobs,
            "files": names,
        }
        write_manifest(folder, manifest)
        for row, members in zip(names, self.boosters, strict=True):
            for name, booster in zip(row, members, strict=True):
                # not save_model(), which tells of a full disk by an error of XGBoost's own
                (folder / name).write_bytes(booster.save_raw("ubj"))


def _read(path: Path) -> xgboost.Booster:
    import xgboost

    if not path.is_file():
        raise FileNotFoundError(f"{path}: the manifest names this model and it is missing")
    booster = xgboost.Booster()
    booster.load_model(path)
    return booster
