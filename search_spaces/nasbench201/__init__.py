"""The cell space of NAS-Bench-201 and AnalogNAS-Bench."""

from search_spaces.nasbench201.cell import from_arch, to_arch
from search_spaces.nasbench201.space import NasBench201Space

__all__ = ["NasBench201Space", "from_arch", "to_arch"]
