"""Strategies: who proposes the next candidates."""

from analognas.metrics import HARD_METRICS, SOFT_METRICS
from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.rejections import explain_rejections
from analognas.strategies.strategy import History, Proposal, Strategy

__all__ = [
    "HARD_METRICS",
    "SOFT_METRICS",
    "History",
    "Objective",
    "Proposal",
    "SearchProblem",
    "Strategy",
    "explain_rejections",
]
