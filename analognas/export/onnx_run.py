"""An ONNX file run on the CPU: by onnxruntime where it is installed, else by the slow evaluator of `onnx` itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor


def has_onnxruntime() -> bool:
    """Return whether onnxruntime is installed."""
    return find_spec("onnxruntime") is not None


def onnx_network(path: Path) -> Callable[[Tensor], Tensor]:
    """Return the network of a file: from raw inputs `(n, *input_shape)` float32 to logits `(n, classes)`."""
    if has_onnxruntime():
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        # bytes: the file may be replaced while the session is there
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        run = session.run
    else:
        from onnx.reference import ReferenceEvaluator

        run = ReferenceEvaluator(str(path)).run

    def network(x: Tensor) -> Tensor:
        (logits,) = run(["logits"], {"x": x.contiguous().numpy()})
        return torch.from_numpy(logits)

    return network
