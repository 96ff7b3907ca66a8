"""One torch thread a process: the tests run in several at a time. Garbage is collected as rarely as by the command."""

import gc
import os
from collections import Counter
from typing import Any

import pytest

from analognas.__main__ import COLLECTIONS

os.environ.setdefault("OMP_NUM_THREADS", "1")
gc.set_threshold(*COLLECTIONS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have most slow tests, so that no process is left alone with one at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a file to one process, in the order above: its tests share the search that the module makes."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture
def values_on_meta() -> Any:
    """Return a mode that gives tensors on `meta`, which have none, values where somebody asks: everything is 1.

    An operation on tensors of two devices raises on `meta` as on a GPU, so that a program that runs there mixes none.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    aten = torch.ops.aten

    class Values(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func is aten.is_nonzero.default and args[0].is_meta:
                return True
            if func in (aten._local_scalar_dense.default, aten.item.default) and args[0].is_meta:
                return 1.0 if args[0].is_floating_point() else 1
            to_cpu = str(kwargs.get("device")) == "cpu" and func is aten._to_copy.default
            if to_cpu and args[0].is_meta:
                return torch.ones(args[0].shape, dtype=args[0].dtype)
            return func(*args, **kwargs)

    return Values()
