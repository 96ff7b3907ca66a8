"""What sequences need of other sections: a task with a label at every step, such as a text, and recurrent blocks."""

from __future__ import annotations

from analognas.config.sections import SearchConfig
from analognas.errors import MisfitError
from analognas.metrics import TABLE
from analognas.spaces.sequence import SequenceSpec
from analognas.tasks import Task


def check_steps(config: SearchConfig, task: Task) -> None:
    """Check that the sections are for labels of inputs, or all of them for labels of steps.

    Raises:
        MisfitError: at the section that is wrong.
    """
    places = [
        (config.objective, ("objective",)),
        *((name, ("further_objectives",)) for name in config.further_objectives),
    ]
    for metric, place in places:
        if TABLE[metric].of_steps and not task.every_step:
            raise MisfitError(
                f"`{metric}` needs a task with a label at every step, such as `kind: char-lm`; {task.name} has one "
                "label for an input: choose an accuracy",
                place,
            )
    if isinstance(config.space, SequenceSpec) and config.hardware.tile.recurrent == "joined":
        raise MisfitError(
            "`tile.recurrent` must be separate for `space.kind: sequence`, which counts an array of inputs and one of "
            "states",
            ("hardware",),
        )
    if not task.every_step:
        if isinstance(config.space, SequenceSpec) and task.input_shape[:2] == (1, 1):
            raise MisfitError(
                f"a sequence must have more than one frame, the inputs of {task.name} are one row of "
                f"{task.input_shape[2]} numbers: give (channels, frames, features), or choose another space",
                ("space", "kind"),
            )
        return
    if not config.space.every_step:
        raise MisfitError(
            f"networks of `{config.space.kind}` have one label for an input, {task.name} has one at every step: choose "
            "`kind: sequence`",
            ("space", "kind"),
        )
    if config.references:
        raise MisfitError(
            f"{config.references[0]} has one label for an input, {task.name} has one at every step: write "
            "`references: []`",
            ("references",),
        )
    if config.training.in_memory is not None:
        raise MisfitError(
            f"chips that learn are measured on inputs with one label, {task.name} has one at every step: leave "
            "`in_memory` out",
            ("training", "in_memory"),
        )
