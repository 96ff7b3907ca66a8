"""The commented configuration that `analognas init --task char-lm` writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import yaml

from analognas.config.lengths import Lengths
from analognas.config.template_parts import EXECUTOR, FULL_BUDGET, HEAD, SEARCH, comments, minutes_line

_TEMPLATE: Final = (
    """\
# A search for a character language model that keeps its accuracy on analog hardware.
"""
    + HEAD
    + """\

task:
  kind: char-lm
  {path} # your text, in UTF-8; relative to this file
  length: 64               # characters of a window; every one of them is predicted
  max_validation: 400      # windows that judge a trial

space:
  kind: sequence
  types: LG                # LSTM and GRU; A is attention
  entry_width: [16, 64]    # the embedding, which stays digital
  width: [32, 192]         # hidden units
  width_step: 16
  blocks: 2                # most of them
  projections: [1, 2]      # an LSTM may pass on half of its hidden units

chip: hermes-64core        # what the networks run on and what they cost; `analognas describe chips` lists all

constraints:               # upper bounds
  tiles: 16
  # energy_uj: 100         # of a window
  avm: 0.05                # accuracy of characters at 1 s minus at 1 month; a trial that loses more counts for less

objective: bits_1d         # bits per character one day after programming, mean over the chips

training:                  # the budget of one trial; `updates` is a floor, so that short texts train as long
  digital:
    epochs: {epochs}
    updates: {updates}
    epoch_size: 3200       # windows of an epoch; the next one goes on with others
    batch_size: 32
    learning_rate: 0.01
    clip_gradient: 5       # largest norm of the gradient of a step
  hardware_aware:
    epochs: {epochs}
    updates: {updates}
    epoch_size: 3200
    batch_size: 32
    learning_rate: 0.003
    clip_gradient: 5
    weight_noise: 0.1      # relative to the largest weight of a column

evaluation:
  chips: 5
  times: [1 s, 1 h, 1 day, 1 month, 1 year, 10 years]

"""
    + SEARCH
    + """\
    initial: 8             # trials of the first design

final:                     # full budget, for the race of the best, and for the winner
"""
    + FULL_BUDGET
    + """\
  chips: 10
  finalists: 3

references: []             # published networks have one label for an input

"""
    + EXECUTOR
)


def text_template(
    path: str, name: str, lengths: Lengths, minutes: float | None = None, seen: Sequence[str] = ()
) -> str:
    """Return the commented configuration for a text.

    Args:
        path: of the text, relative to the configuration.
        name: of the search.
        lengths: of the trainings.
        minutes: for the whole search; None: any.
        seen: lines on the data.
    """
    written = yaml.safe_dump({"path": path}, width=math.inf, allow_unicode=True).strip()
    return _TEMPLATE.format(
        path=f"{written:24}",
        name=name,
        minutes=minutes_line(minutes),
        seen=comments(seen),
        **asdict(lengths),
    )
