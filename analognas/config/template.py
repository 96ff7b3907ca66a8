"""The commented configuration that `analognas init` writes."""

from __future__ import annotations

from typing import Final

from analognas.errors import UserError
from analognas.specs.problems import nearest

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
    "wav-folder": """\
task:
  kind: wav-folder
  path: recordings         # one folder a class, or train, test (and validation) with one folder a class
  rate_hz: 16000           # every file is converted to it
  # speaker: '^([^_]+)_'   # finds the speaker in a file name: no speaker is in two splits
  # noise: {copies: 2}     # noisy copies of the training clips
""",
}

_TEMPLATE: Final = """\
# A search for an architecture that keeps its accuracy on analog hardware.
# A key that is left out has a default of its own; a run's config.yaml shows every value.
name: {name}
seed: 0                    # the same seed gives the same trials

{task}
space:
  kind: resnet             # the ResNet-like space of AnalogNAS; every range can be narrowed
  oc0: [8, 24]             # channels of the first convolution
  ks0: [3, 5]              # its kernel
  m: [1, 3]                # main blocks
  r: [1, 3]                # residual blocks in a main block
  b: [1, 2]                # parallel branches of a residual block
  ct: ABCD                 # block types
  wf: [1, 3]               # widening factor

hardware:
  preset: pcm-analognas    # `analognas describe hardware` lists all; any value can be replaced below
  tile: {{rows: 256, columns: 256}}

constraints:               # upper bounds; without one on size, that of the largest reference is taken, and said
  # parameters: 40000      # checked before any training, as are macs and tiles
  avm: 0.05                # accuracy at 1 s minus at 1 month, as a fraction; a trial that loses more counts for less

objective: accuracy_1d     # accuracy one day after programming, mean over the chips

training:                  # the budget of one trial; `updates` is a floor, so that small data sets train as long
  digital: {{epochs: 5, updates: 250, batch_size: 32, learning_rate: 0.01}}
  hardware_aware:
    epochs: 5
    updates: 250
    batch_size: 32
    learning_rate: 0.006
    weight_noise: 0.15     # relative to the largest weight of a column; more makes the AVM smaller
    distillation: {{temperature: 4, teacher_share: 0.5}} # learns from the digital network as well

evaluation:
  chips: 8
  times: [1 s, 1 h, 1 day, 1 month, 1 year]

search:
  trials: 40               # candidates trained for real
  batch: 6                 # candidates proposed at a time
  strategy:
    kind: surrogate-guided # `analognas describe strategies` lists all
    initial: 8             # trials of the first design, most of them near the bound on the parameters

final:                     # full budget, for the race of the best with the references, and for the winner
  digital_epochs: 20
  digital_updates: 800
  hardware_aware_epochs: 20
  hardware_aware_updates: 800
  chips: 25
  finalists: 3             # best trials that are trained at full budget, with the references; the best of all wins

references: [resnet8]      # race the best at full budget; whichever is best on validation is exported

executor:
  kind: auto               # every processor; the same trials for any number of them
  threads: 1               # of torch, for each training; large networks gain from more
"""


def template(task: str) -> str:
    """Return the commented configuration for a kind of task.

    Raises:
        UserError: when there is no such kind.
    """
    if task not in _TASKS:
        raise UserError(f"--task: unknown task {task!r}{nearest(task, _TASKS)}")
    return _TEMPLATE.format(name="digits" if task == "digits" else "my-search", task=_TASKS[task])
