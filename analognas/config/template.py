"""The commented configuration that `analognas init` writes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import yaml

from analognas.config.lengths import Lengths
from analognas.config.suited import augmentation_for, reference_for
from analognas.config.template_parts import (
    EXECUTOR,
    FULL_BUDGET,
    HEAD,
    SEARCH,
    augmentation_line,
    comments,
    minutes_line,
)
from analognas.config.text_template import text_template
from analognas.errors import UserError
from analognas.specs.problems import nearest
from analognas.tasks.base_spec import Inputs
from analognas.tasks.look.sound import COPIES, SPEED

_TASKS: Final = {
    "digits": """\
task:
  kind: digits             # 1,797 handwritten digits bundled with scikit-learn; `analognas describe tasks` lists all
""",
    "arrays": """\
task:
  kind: arrays
  path: my.npz             # x and y, or x_train, y_train, x_test, y_test; relative to this file
  # input_shape: [1, 8, 8] # channels, height, width; needed when x holds rows of features
  # layout: channels-last  # needed when the shape does not show it
""",
    "image-folder": """\
task:
  kind: image-folder
  path: images             # one folder a class, or train, test (and validation) with one folder a class
  # size: [32, 32]         # height, width; with `resize: squash` or `crop`, for images of different sizes
  # resize: squash
  # colour: grey
""",
    "wav-folder": f"""\
task:
  kind: wav-folder
  path: recordings         # one folder a class, or train, test (and validation) with one folder a class
  rate_hz: 16000           # every file is converted to it
  # speaker: '^([^_]+)_'   # finds the speaker in a file name: no speaker is in two splits
  noise: {{copies: {COPIES}, speed: {list(SPEED)}}} # slower and faster copies of each training clip, like other voices
""",
}

_INPUTS: Final[dict[str, tuple[Inputs, tuple[int, int, int]]]] = {
    "digits": ("images", (1, 8, 8)),
    "arrays": ("anything", (1, 8, 8)),
    "image-folder": ("images", (3, 32, 32)),
    "wav-folder": ("spectra", (1, 49, 10)),
}
"""What the inputs are of data that nobody has looked at, and their shape."""

_TEMPLATE: Final = (
    """\
# A search for an architecture that keeps its accuracy on analog hardware.
"""
    + HEAD
    + """\

{task}
space:
  kind: staged             # residual stages of free width, depth, type, kernel and stride; all can be narrowed
  stem_width: [8, 32]      # channels of the first convolution
  width: [8, 96]           # channels of a stage
  stages: 4                # most of them
  depth: 4                 # most residual blocks of a stage
  types: BDES              # basic, the same with ReLU before batch norm, expanded, single convolution

chip: hermes-64core        # what the networks run on and what they cost; `analognas describe chips` lists all

constraints:               # upper bounds: no more than the reference takes on this chip
  parameters: <= {reference}
  energy_uj: <= {reference}
  tiles: <= {reference}
  avm: 0.05                # accuracy at 1 s minus at 1 month, as a fraction; a trial that loses more counts for less

objective: accuracy_1d     # accuracy one day after programming, mean over the chips

training:                  # the budget of one trial; `updates` is a floor, so that small data sets train as long
  digital: {{epochs: {epochs}, updates: {updates}, batch_size: 32, learning_rate: 0.01}}
  hardware_aware:
    epochs: {epochs}
    updates: {updates}
    batch_size: 32
    learning_rate: 0.006
    weight_noise: 0.15     # relative to the largest weight of a column; more makes the AVM smaller
    distillation: {{temperature: 4, teacher_share: 0.5}} # learns from the digital network as well
{augmentation}
evaluation:
  chips: 8
  times: [1 s, 1 h, 1 day, 1 month, 1 year, 10 years]

"""
    + SEARCH
    + """\
    initial: 8             # trials of the first design, most of them near the bound on the parameters

final:                     # full budget, for the race of the best with the references, and for the winner
"""
    + FULL_BUDGET
    + """\
  chips: 25
  finalists: 4             # best trials that are trained at full budget, with the references
  shortlist: 2             # the best of them, which are trained again with other seeds; the best in the mean wins
  seeds: 2                 # trainings of each; the verdict holds what they differ by

references: [{reference}]{pad}# race the best at full budget; whichever is best on validation is exported

"""
    + EXECUTOR
)

TEXT: Final = "char-lm"
"""The kind of task that has a template of its own."""


def template(task: str) -> str:
    """Return the commented configuration for a kind of task.

    Raises:
        UserError: when there is no such kind.
    """
    if task == TEXT:
        return text_template("book.txt", "my-search", Lengths())
    if task not in _TASKS:
        raise UserError(f"--task: unknown task {task!r}{nearest(task, (*_TASKS, TEXT))}")
    name = "digits" if task == "digits" else "my-search"
    inputs, shape = _INPUTS[task]
    augmentation = augmentation_for(inputs, shape)
    return _filled(name, _TASKS[task], Lengths(), reference_for(shape), augmentation, "", "")


def fitted_template(
    name: str,
    section: Mapping[str, tuple[Any, str]],
    reference: str,
    lengths: Lengths,
    augmentation: Mapping[str, int],
    minutes: float,
    seen: Sequence[str],
) -> str:
    """Return the commented configuration for data that were looked at.

    Args:
        name: of the search.
        section: of the task: values and what each of them is for.
        reference: the published network to beat.
        lengths: of the trainings.
        augmentation: how training inputs are changed at random, `crop` or `time_shift`; empty: not at all.
        minutes: for the whole search.
        seen: lines on the data.
    """
    lines = [_line(key, value, why) for key, (value, why) in section.items()]
    task = "task:\n" + "".join(lines)
    budget = minutes_line(minutes)
    return _filled(name, task, lengths, reference, augmentation, budget, comments(seen))


def _filled(
    name: str,
    task: str,
    lengths: Lengths,
    reference: str,
    augmentation: Mapping[str, int],
    minutes: str,
    seen: str,
) -> str:
    return _TEMPLATE.format(
        name=name,
        task=task,
        reference=reference,
        pad=" " * max(1, 13 - len(reference)),
        augmentation=augmentation_line(augmentation),
        minutes=minutes,
        seen=seen,
        **asdict(lengths),
    )


def _line(key: str, value: Any, why: str) -> str:
    """Return a key with its value in one line of YAML, and a comment."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=math.inf, allow_unicode=True)
    written = f"  {key}: {text.removesuffix(chr(10)).removesuffix(chr(10) + '...')}"
    return f"{written:26} # {why}\n" if why else f"{written}\n"
