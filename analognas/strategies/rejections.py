"""Why a space has no admissible candidate: which hard constraint rejects how many of a sample."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from analognas.metrics import TABLE
from analognas.strategies.problem import SearchProblem
from search_spaces import Population

SAMPLE: Final = 10_000


def explain_rejections(
    problem: SearchProblem, rng: np.random.Generator, near: Population | None = None
) -> str:
    """Return what rejects the candidates of a random sample, the strictest rule first, in one sentence.

    Such as: of 10,000 sampled candidates 0 are admissible: `parameters <= 50` rejects 10,000 (the smallest found
    has 900); 812 cannot be built, most often because the maps shrink to nothing.

    Args:
        problem: the space and its hard constraints.
        rng: draws the sample.
        near: `(n, genes)` candidates that were looked for beyond the sample; the smallest may be one of them.
    """
    population = problem.space.sample(SAMPLE, rng)
    looked_at = population if near is None else np.concatenate([population, near])
    buildable = np.array([not reason for reason in problem.space.problems(looked_at)], dtype=np.bool_)
    built = looked_at[buildable] if buildable.any() else looked_at
    reasons: list[tuple[int, str]] = []
    for name, bound in problem.hard_bounds.items():
        cost, metric = problem.costs[name], TABLE[name]
        rejected = int((~metric.keeps(cost(population), bound)).sum())
        best, which = (cost(built).min(), "smallest") if metric.sign < 0 else (cost(built).max(), "largest")
        shown = f"{best:,.0f}" if float(best).is_integer() else f"{best:,.6g}"
        unit = f" {metric.unit}" if metric.unit and not metric.is_share else ""
        rule = (
            f"`{name} {metric.relation} {bound:,.15g}` rejects {rejected:,} "
            f"(the {which} found has {shown}{unit})"
        )
        reasons.append((rejected, rule))
    broken = Counter(reason for reason in problem.space.problems(population) if reason)
    if broken:
        (reason, _), total = broken.most_common(1)[0], sum(broken.values())
        reasons.append((total, f"{total:,} cannot be built, most often because {reason}"))
    found = int(problem.admissible(population).sum())
    text = f"of {len(population):,} sampled candidates {found:,} are admissible"
    strictest = [rule for rejected, rule in sorted(reasons, reverse=True) if rejected]
    return f"{text}: {'; '.join(strictest)}" if strictest else text
