"""What each rule needs of a system, and what a step costs: read from the rules and counted while they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import nn

from hwsim.rules.contrast import ContrastiveRule
from hwsim.rules.direct_feedback_alignment import DirectFeedbackAlignment
from hwsim.rules.direct_random_target_projection import DirectRandomTargetProjection
from hwsim.rules.energy import EnergyNetwork
from hwsim.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.rules.feedback_alignment import FeedbackAlignment
from hwsim.rules.forward_forward import ForwardForward
from hwsim.rules.forward_gradient import ForwardGradient
from hwsim.rules.in_silico import InSilico
from hwsim.rules.in_situ_backpropagation import InSituBackpropagation
from hwsim.rules.mismatched import MismatchedNetwork
from hwsim.rules.physical_local_learning import PhysicalLocalLearning
from hwsim.rules.physics_aware import PhysicsAware
from hwsim.rules.rule import Rule
from hwsim.rules.spsa import SPSA
from hwsim.rules.system import Layered, Modelled, Passes, PhysicalSystem, Reciprocal, Settling
from hwsim.streams import standard_normal, stream
from hwsim.text_table import Table

RULES: Final[dict[str, type[Rule]]] = {
    "in-silico": InSilico,
    "physics-aware": PhysicsAware,
    "in-situ-backpropagation": InSituBackpropagation,
    "feedback-alignment": FeedbackAlignment,
    "direct-feedback-alignment": DirectFeedbackAlignment,
    "direct-random-target-projection": DirectRandomTargetProjection,
    "physical-local-learning": PhysicalLocalLearning,
    "forward-forward": ForwardForward,
    "equilibrium-propagation": EquilibriumPropagation,
    "forward-gradient": ForwardGradient,
    "spsa": SPSA,
}
"""Rules by name."""

_FEATURES, _HIDDEN, _CLASSES = 4, 6, 3


def requirements(widths: Sequence[int] = (64, 128, 128, 10), batch: int = 32) -> Table:
    """Return a row for each rule: what it needs, passes of the device, and digital multiplications of a step.

    Args:
        widths: of the fully connected network whose multiplications are counted.
        batch: of a step.
    """
    rows = []
    for name, kind in RULES.items():
        generator = stream(0, "requirements", name)
        rule, system = _example(kind, generator)
        x, y = torch.rand(5, _FEATURES, generator=generator), torch.arange(5) % _CLASSES
        rule.step(system, x, y)
        step, system.passes = system.passes, Passes()
        rule.scores(system, x)
        needs = (
            Modelled in kind.needs,
            Layered in kind.needs,
            Reciprocal in kind.needs,
            Settling in kind.needs,
        )
        macs = f"{rule.digital_macs(widths, batch) / 1e6:.2f} M"
        asked = "1" if system.passes.forward == 1 else "1 a label"
        words = ("yes" if need else "no" for need in needs)
        rows.append([name, *words, str(step.forward), str(step.backward), asked, macs])
    head = (
        "rule", "model", "layers", "transposed", "second phase", "forward", "backward", "to classify", "digital MACs",
    )  # fmt: skip
    return Table(head, rows, n_left=5)


def _example(kind: type[Rule], generator: torch.Generator) -> tuple[Rule, PhysicalSystem]:
    """Return a rule with its defaults and a small system for it, of weights from `generator`."""
    system: PhysicalSystem
    if Settling in kind.needs:
        system = EnergyNetwork((_FEATURES, _HIDDEN, _CLASSES))
    else:
        labels = _CLASSES if issubclass(kind, ContrastiveRule) else 0
        first = _layer(_FEATURES + labels, _HIDDEN, generator)
        net = nn.Sequential(first, nn.ReLU(), _layer(_HIDDEN, _CLASSES, generator))
        system = MismatchedNetwork(net, gap=0.1)
    optimizer = torch.optim.SGD(system.parameters, lr=0.01)
    if issubclass(kind, ContrastiveRule):
        return kind(optimizer, _CLASSES), system
    return kind(optimizer), system


def _layer(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(standard_normal(parameter, generator))
    return layer
