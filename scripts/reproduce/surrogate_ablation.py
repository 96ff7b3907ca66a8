"""Which features a surrogate of measured networks needs: each group left out, and each proxy added, on packed records.

    python scripts/reproduce/surrogate_ablation.py TABLE.csv.gz [--target accuracy_1d] [--splits 20] [--train 0.7]
        [--proxies FILE.csv]

On random splits, boosted trees are fitted on normal scores of the target with the genes of the space and the features
of `surrogates.architecture_features`, and judged by Kendall's tau on the rest: over all pairs, and over pairs within a
tenth of the parameters. A line a group says what changes without it, or with it alone. Intervals (95 %) are of the mean
difference over splits, with the correction for splits that share rows of Nadeau and Bengio.

With `--proxies`, figures of the untrained networks are added, one at a time: a forward and a backward pass of 64
training inputs each, kept in FILE because they take a tenth of a second a network. Data are read below ANALOGNAS_DATA.

=================  =================================================================================================
`zico`             sum over layers of log sum |mean gradient| / its standard deviation over four batches
`swap`             patterns of signs over the inputs, counted over all places after a ReLU
`expressivity`     entropy of the principal values of every block's output, summed
`progressivity`    the smallest increase of that from a block to the next
=================  =================================================================================================

References:
    C. Nadeau, Y. Bengio, Inference for the generalization error, Machine Learning 52, 2003.
    G. Li et al., ZiCo: Zero-shot NAS via inverse coefficient of variation on gradients, ICLR 2023, arXiv 2301.11300.
    Y. Peng et al., SWAP-NAS: Sample-wise activation patterns for ultra-fast NAS, ICLR 2024, arXiv 2403.04161.
    J. Lee, B. Ham, AZ-NAS: Assembling zero-cost proxies for network architecture search, CVPR 2024, arXiv 2403.19232.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import TypeAdapter
from scipy.stats import t as students_t
from torch import Tensor, nn
from torch.nn import functional as F

from analognas.bench.records_table import read_records_table
from analognas.bench.table import BenchTable
from analognas.errors import UserError
from analognas.evaluation.prepared import prepare
from analognas.record.records_file import read_records
from analognas.strategies.normal_scores import NormalScores
from analognas.tasks.specs import TaskSection
from search_spaces import genotypes
from surrogates import kendall_tau
from surrogates.quality import tau_at_equal_size
from surrogates.xgboost_ensemble import XGBoostSurrogate

RECIPE: Final = XGBoostSurrogate(members=3, trees=80, max_depth=4, feature_share=0.4)
INPUTS, BATCHES = 64, 4

GROUPS: Final[Mapping[str, Callable[[str], bool]]] = {
    "genes": lambda name: not name.startswith("architecture_"),
    "size": lambda name: name in ("architecture_log_weights", "architecture_log_macs"),
    "widths and maps": lambda name: (
        any(
            part in name
            for part in (
                "_mean_width",
                "narrowest",
                "widest",
                "fan_in",
                "_layers",
                "reduction",
                "positions",
                "_steps",
            )
        )
        and name.startswith("architecture_")
    ),
    "kinds of layers": lambda name: name in ("architecture_share_grouped", "architecture_share_pointwise"),
    "entropy": lambda name: name in ("architecture_expressivity", "architecture_depth_to_width"),
    "noise over signal": lambda name: "log_nsr" in name,
    "shares of bounds": lambda name: "log_share" in name,
}
"""Features by what they tell: each is in one group."""

Values = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description="Leave groups of features out, and add proxies.")
    parser.add_argument("table", type=Path)
    parser.add_argument("--target", default="accuracy_1d")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--train", type=float, default=0.7)
    parser.add_argument("--proxies", type=Path)
    options = parser.parse_args()
    try:
        table = read_records_table(options.table, options.target)
    except UserError as error:
        raise SystemExit(str(error)) from None
    own = table.space.encode(table.population).reset_index(drop=True)
    assert table.described is not None  # records always have them
    features = pd.concat([own, table.described.add_prefix("architecture_")], axis=1)
    for name in features:
        if sum(belongs(name) for belongs in GROUPS.values()) != 1:
            raise SystemExit(f"`{name}` must be in one group of features")
    whole = _taus(table, features, options.splits, options.train)
    print(
        f"{table.name}: {options.target}, {len(table)} networks, {options.splits} splits, {features.shape[1]} features"
    )
    print(f"{'all features':<34}{_mean(whole[:, 0])}   at equal size {_mean(whole[:, 1])}")
    share = (1 - options.train) / options.train
    for name, belongs in GROUPS.items():
        group = [column for column in features if belongs(column)]
        if not group:
            continue
        left = _taus(table, features.drop(columns=group), options.splits, options.train)
        alone = _taus(table, features[group], options.splits, options.train)
        print(f"without {name:<26}{_changes(left - whole, share)}")
        print(f"{name + ' alone':<34}{_changes(alone - whole, share)}")
    if options.proxies is not None:
        proxies = _proxies(options.table, table, options.proxies)
        parameters = table.space.parameters(table.population)
        for name in proxies:
            value = proxies[name].to_numpy(dtype=np.float64)
            taus = kendall_tau(table.values, value), tau_at_equal_size(table.values, value, parameters)
            added = _taus(table, features.assign(**{name: value}), options.splits, options.train)
            print(
                f"with {name:<29}{_changes(added - whole, share)}   its own tau {taus[0]:+.3f}, {taus[1]:+.3f}"
            )


def _taus(table: BenchTable, features: pd.DataFrame, splits: int, train: float) -> Values:
    """Return τ of all pairs and of those of equal size, `(splits, 2)`."""
    parameters, found = table.space.parameters(table.population), []
    for split in range(splits):
        rows = np.random.default_rng(split).permutation(len(table))
        known, unseen = np.split(rows, [round(train * len(rows))])
        scores = NormalScores.fit(table.values[known]).forward(table.values[known])
        fitted = RECIPE.fit(
            features.iloc[known], pd.DataFrame({"target": scores}), np.random.default_rng(split)
        )
        mean = fitted.predict(features.iloc[unseen]).mean["target"].to_numpy(dtype=np.float64)
        measured = table.values[unseen]
        found.append((kendall_tau(measured, mean), tau_at_equal_size(measured, mean, parameters[unseen])))
    return np.array(found)


def _changes(differences: Values, share: float) -> str:
    overall, equal = (_interval(differences[:, column], share) for column in range(2))
    return f"{overall:<38} at equal size {equal}"


def _interval(values: Values, share: float) -> str:
    """Return a mean with its interval; `share` is of the rows judged over those fitted on."""
    n, mean = len(values), float(values.mean())
    half = float(students_t.ppf(0.975, n - 1) * values.std(ddof=1) * math.sqrt(1 / n + share))
    level = ", level" if abs(mean) <= half else ""
    return f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]{level}"


def _mean(values: Values) -> str:
    return f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"


def _proxies(path: Path, table: BenchTable, kept: Path) -> pd.DataFrame:
    """Return the figures of the untrained networks, `(n, proxies)`."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if kept.exists():
        found = pd.read_csv(kept, comment="#")
        if kept.read_text("utf-8").startswith(f"# {digest}"):
            return found
    config = read_records(path).config
    task = prepare(TypeAdapter(TaskSection).validate_python(dict(config["task"])).build())
    x = task.train.spread(INPUTS)
    places = torch.arange(INPUTS) * len(task.train) // INPUTS
    y = task.source.train.y[places]
    torch.set_num_threads(1)
    rows = [proxies_of(table.space.build(genotype), x, y) for genotype in genotypes(table.population)]
    found = pd.DataFrame(rows)
    kept.write_text(f"# {digest}\n{found.to_csv(index=False)}", "utf-8")
    return found


def proxies_of(network: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    """Return the proxies of an untrained network on `(n, channels, height, width)` inputs and `(n,)` classes."""
    entropies, patterns = _on_the_way(network, x)
    steps = np.diff(entropies)
    return {
        "zico": _zico(network, x, y),
        "swap": math.log(max(patterns, 1)),
        "expressivity": float(np.sum(entropies)),
        "progressivity": float(steps.min()) if len(steps) else 0.0,
    }


def _zico(network: nn.Module, x: Tensor, y: Tensor) -> float:
    network.train()
    gradients: dict[str, list[Tensor]] = {}
    for inputs, labels in zip(x.chunk(BATCHES), y.chunk(BATCHES), strict=True):
        network.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for name, weight in network.named_parameters():
            if weight.ndim > 1 and weight.grad is not None:
                gradients.setdefault(name, []).append(weight.grad.abs().flatten().clone())
    total = 0.0
    for values in gradients.values():
        stacked = torch.stack(values)
        spread, mean = stacked.std(dim=0), stacked.mean(dim=0)
        known = spread > 0
        if bool(known.any()):
            total += math.log(float((mean[known] / spread[known]).sum()) + 1e-12)
    return total


@torch.no_grad()
def _on_the_way(network: nn.Module, x: Tensor) -> tuple[Values, int]:
    """Return the entropy of each block's output in order, and the number of different patterns of signs."""
    network.train()
    entropies: list[float] = []
    patterns: set[bytes] = set()

    def after_block(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        rows = output.transpose(0, 1).flatten(1)
        rows = rows - rows.mean(dim=1, keepdim=True)
        values = torch.linalg.eigvalsh(rows @ rows.T / rows.shape[1]).clamp_min(0)
        shares = values / values.sum().clamp_min(1e-12)
        entropies.append(float(-(shares * shares.clamp_min(1e-12).log()).sum()))

    def after_relu(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        signs = (output > 0).flatten(1).T.numpy()
        patterns.update(row.tobytes() for row in np.packbits(signs, axis=1))

    handles = [
        layer.register_forward_hook(after_relu) for layer in network.modules() if isinstance(layer, nn.ReLU)
    ]
    handles += [block.register_forward_hook(after_block) for block in _blocks(network)]
    network(x)
    for handle in handles:
        handle.remove()
    return np.array(entropies), len(patterns)


def _blocks(network: nn.Module) -> Sequence[nn.Module]:
    found: Sequence[nn.Module] = list(network.blocks)  # type: ignore[arg-type]  # of the spaces of blocks
    return found


if __name__ == "__main__":
    main()
