"""Networks of recurrent and attention blocks."""

from search_spaces.sequences.ranges import SequenceRanges
from search_spaces.sequences.space import SequenceSpace

__all__ = ["SequenceRanges", "SequenceSpace"]
