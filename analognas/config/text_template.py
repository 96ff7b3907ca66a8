"""The commented configuration that `analognas init --task char-lm` writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import yaml

from analognas.config.lengths import Lengths

_TEMPLATE: Final = """\
# A search for a character language model that keeps its accuracy on analog hardware.
# A key that is left out has a default of its own; a run's config.yaml shows every value.
{seen}name: {name}
seed: 0                    # the same seed gives the same trials

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
  times: [1 s, 1 h, 1 day, 1 month, 1 year]

search:
  trials: {trials}               # candidates trained for real
  batch: 6                 # candidates proposed at a time
{minutes}  strategy:
    kind: surrogate-guided # `analognas describe strategies` lists all
    initial: 8             # trials of the first design

final:                     # full budget, for the race of the best, and for the winner
  digital_epochs: {final_epochs}
  digital_updates: {final_updates}
  hardware_aware_epochs: {final_epochs}
  hardware_aware_updates: {final_updates}
  chips: 10
  finalists: 3

references: []             # published networks have one label for an input

executor:
  kind: auto               # every processor; the same trials for any number of them
  threads: 1               # of torch, for each training; large networks gain from more
"""


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
        minutes=""
        if minutes is None
        else f"  minutes: {minutes:<15g} # for trials, race and final trainings together\n",
        seen="".join(f"# {line}\n" for line in seen),
        **asdict(lengths),
    )
