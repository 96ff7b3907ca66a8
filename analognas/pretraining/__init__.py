"""Models fitted on records of many networks, for searches that begin informed; what they say of architectures."""

from analognas.pretraining.explain import Explanation, explain
from analognas.pretraining.fit import fit_pretrained

__all__ = ["Explanation", "explain", "fit_pretrained"]
