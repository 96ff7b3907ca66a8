"""Strategies compared on whole, real searches: every strategy with every seed, each an ordinary run directory."""

from analognas.comparison.plan import ComparisonPlan, plan_comparison
from analognas.comparison.result import Comparison
from analognas.comparison.searches import execute

__all__ = ["Comparison", "ComparisonPlan", "execute", "plan_comparison"]
