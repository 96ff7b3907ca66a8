"""AdaBS: batch-norm statistics measured again on the drifted chip, before each evaluation.

The chip runs calibration inputs; each batch norm takes the mean and variance that it sees, averaged over
batches, in place of those of training. It needs no labels and no reprogramming.

References:
    Joshi et al., Accurate deep neural network inference using computational phase-change memory,
    Nat. Commun. 11:2473, 2020 (AdaBS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def adapted_batch_norm(net: nn.Module, run: Callable[[], None]) -> Iterator[None]:
    """Let the batch norms of `net` use the statistics of ``run()`` inside the context.

    Args:
        net: a network in evaluation mode.
        run: feeds calibration batches of at least two images through `net`.
    """
    norms = [
        module for module in net.modules() if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    saved = [(norm.momentum, {name: t.clone() for name, t in norm.state_dict().items()}) for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over batches
        norm.train()
    try:
        run()
        for norm in norms:
            norm.eval()
        yield
    finally:
        for norm, (momentum, state) in zip(norms, saved, strict=True):
            norm.momentum = momentum
            norm.load_state_dict(state)
            norm.eval()
