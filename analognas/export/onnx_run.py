"""An ONNX file run on the CPU: by onnxruntime where it is installed, else by the slow evaluator of `onnx` itself."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor


def has_onnxruntime() -> bool:
    """Return whether onnxruntime is installed."""
    return find_spec("onnxruntime") is not None


def run_onnx(path: Path, x: Tensor) -> Tensor:
    """Return the logits `(n, classes)` of raw inputs `x` `(n, *input_shape)` float32."""
    inputs = {"x": x.contiguous().numpy()}
    if has_onnxruntime():
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        # bytes: the file may be replaced while the session is there
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        (logits,) = session.run(["logits"], inputs)
    else:
        from onnx.reference import ReferenceEvaluator

        (logits,) = ReferenceEvaluator(str(path)).run(["logits"], inputs)
    return torch.from_numpy(logits)
