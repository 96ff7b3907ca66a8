"""A network as one flat list of layers and the graph that connects them.

`torch.fx` runs the network once on a symbolic input and records every call. What the network's classes were
is gone afterwards; the layers of `torch.nn` that do the work, the tensors they use, and the order of the
calls remain. `nn.Identity` does none and is left out. A layer's name is its path in the network with the
dots replaced by underscores; two paths that would share a name (`a.b_c` and `a_b.c`) get different ones.

References:
    Reed, DeVito, He, Ussery, Ansel. torch.fx: Practical Program Capture and Transformation for Deep Learning
    in Python. MLSys 2022. arXiv 2112.08429.
"""

from __future__ import annotations

import copy
import keyword
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from analognas.export.error import ExportError
from analognas.export.standardised import TENSORS, Standardised


@dataclass(frozen=True)
class FlatNetwork:
    """The traced network inside a `Standardised`, in evaluation mode.

    Attributes:
        graph: the calls, in order.
        layers: name in the flat network and module, by path in the network, in the order of their first call.
        tensors: name in the flat network and value of the parameters and buffers that no layer owns, by path.
        classes: of an output.
        every_step: whether there is an output at every step, `(batch, classes, steps)`.
    """

    graph: fx.Graph
    layers: dict[str, tuple[str, nn.Module]]
    tensors: dict[str, tuple[str, Tensor]]
    classes: int
    every_step: bool


def flatten(model: Standardised) -> FlatNetwork:
    """Trace the network of `model`; `model` itself is left alone.

    Raises:
        ExportError: when `torch.fx` cannot follow the network's `forward`, or its output is not `(batch,
            classes)`.
    """
    network = copy.deepcopy(model.network).cpu().eval()
    outputs = _outputs(network, model.input_shape)
    try:
        graph = fx.Tracer().trace(network)
    except Exception as error:  # the network's own code runs on symbols here and may raise anything
        raise ExportError(
            f"torch.fx cannot trace {type(network).__name__}: {error!r}. "
            "Its `forward` must not branch on, loop over or convert the values or shapes of its input; "
            "write such code with torch operations, or move it into the constructor"
        ) from error
    paths = list(dict.fromkeys(str(node.target) for node in graph.nodes if node.op == "call_module"))
    attributes = list(dict.fromkeys(str(node.target) for node in graph.nodes if node.op == "get_attr"))
    names = _flat_names([*paths, *attributes])
    idle = _without_identities(graph, network)
    return FlatNetwork(
        graph=graph,
        layers={path: (names[path], network.get_submodule(path)) for path in paths if path not in idle},
        tensors={path: (names[path], _tensor(network, path)) for path in attributes},
        classes=outputs[1],
        every_step=len(outputs) == 3,
    )


def exported_state(model: Standardised) -> dict[str, Tensor]:
    """Return the tensors of the flat network by the names that the exported `model.py` gives them.

    The tensors are contiguous copies on the CPU that share no memory. `mean` and `std` are among them.

    Raises:
        ExportError: as `flatten`.
    """
    flat = flatten(model)
    state = {name: getattr(model, name) for name in TENSORS}
    for name, layer in flat.layers.values():
        state |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
    state |= dict(flat.tensors.values())
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in state.items()
    }


def exported_names(model: Standardised) -> dict[str, str]:
    """Return the name in the exported file of every tensor that the network itself calls by its `state_dict` key.

    Raises:
        ExportError: as `flatten`.
    """
    flat = flatten(model)
    names = {path: name for path, (name, _) in flat.tensors.items()}
    for path, (name, layer) in flat.layers.items():
        names |= {f"{path}.{key}": f"{name}.{key}" for key in layer.state_dict()}
    return names


def _without_identities(graph: fx.Graph, network: nn.Module) -> set[str]:
    """Take the calls of plain `nn.Identity` out of a graph and return the paths of these layers."""
    idle = set()
    for node in [node for node in graph.nodes if node.op == "call_module"]:
        layer = network.get_submodule(str(node.target))
        hooked = layer._forward_hooks or layer._forward_pre_hooks
        if type(layer) is nn.Identity and not hooked and len(node.all_input_nodes) == 1:
            node.replace_all_uses_with(node.all_input_nodes[0])
            graph.erase_node(node)
            idle.add(str(node.target))
    return idle


def _outputs(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the outputs for a batch of two, which are zeros."""
    try:
        with torch.no_grad():
            logits = network(torch.zeros(2, *input_shape))
    except (RuntimeError, ValueError, TypeError) as error:
        raise ExportError(
            f"{type(network).__name__} does not take inputs (2, {input_shape}): {error}"
        ) from error
    if not isinstance(logits, Tensor) or logits.ndim not in (2, 3) or len(logits) != 2:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ExportError(
            f"{type(network).__name__} must return logits `(batch, classes)` or `(batch, classes, steps)`, got "
            f"{shape} for 2 inputs"
        )
    return tuple(logits.shape)


def _tensor(network: nn.Module, path: str) -> Tensor:
    owner, _, name = path.rpartition(".")
    value = getattr(network.get_submodule(owner), name)
    if not isinstance(value, Tensor):
        raise ExportError(
            f"`{path}` of {type(network).__name__} must be a tensor, got {type(value).__name__}"
        )
    return value


def _flat_names(paths: Iterable[str]) -> dict[str, str]:
    """Return one Python attribute name for each path, all of them different."""
    names: dict[str, str] = {}
    taken = {*TENSORS}
    own = dir(nn.Module())
    for path in paths:
        stem = path.replace(".", "_")
        # ASCII only: Python takes some different Unicode names for the same identifier
        if not (stem.isascii() and stem.isidentifier()):
            stem = "layer_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in stem)
        # nn.Module's own attributes, `forward` or `type`, must not be shadowed by a layer
        if keyword.iskeyword(stem) or stem in own or stem.startswith("__"):
            stem = f"layer_{stem}"
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name)
        names[path] = name
    return names
