"""Learning rules for physical systems, of which some have no gradient that anybody knows.

import hwsim.rules

system = hwsim.rules.MismatchedNetwork(net, gap=0.6)
rule = hwsim.rules.PhysicsAware(torch.optim.SGD(system.parameters, lr=0.05))
rule.step(system, x, y)
"""

from __future__ import annotations

from hwsim.rules.direct_feedback_alignment import DirectFeedbackAlignment
from hwsim.rules.direct_random_target_projection import DirectRandomTargetProjection
from hwsim.rules.energy import EnergyNetwork
from hwsim.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.rules.feedback_alignment import FeedbackAlignment
from hwsim.rules.forward_forward import ForwardForward
from hwsim.rules.forward_gradient import ForwardGradient
from hwsim.rules.in_silico import InSilico
from hwsim.rules.in_situ_backpropagation import InSituBackpropagation
from hwsim.rules.measured import Measured, MeasuredWithModel
from hwsim.rules.mismatched import MismatchedNetwork
from hwsim.rules.network import NetworkSystem
from hwsim.rules.physical_local_learning import PhysicalLocalLearning
from hwsim.rules.physics_aware import PhysicsAware
from hwsim.rules.programmed import ProgrammedNetwork
from hwsim.rules.requirements import RULES, requirements
from hwsim.rules.rule import Rule
from hwsim.rules.spsa import SPSA
from hwsim.rules.system import Layered, Modelled, Passes, PhysicalSystem, Reciprocal, Settling

__all__ = [
    "RULES",
    "SPSA",
    "DirectFeedbackAlignment",
    "DirectRandomTargetProjection",
    "EnergyNetwork",
    "EquilibriumPropagation",
    "FeedbackAlignment",
    "ForwardForward",
    "ForwardGradient",
    "InSilico",
    "InSituBackpropagation",
    "Layered",
    "Measured",
    "MeasuredWithModel",
    "MismatchedNetwork",
    "Modelled",
    "NetworkSystem",
    "Passes",
    "PhysicalLocalLearning",
    "PhysicalSystem",
    "PhysicsAware",
    "ProgrammedNetwork",
    "Reciprocal",
    "Rule",
    "Settling",
    "requirements",
]
