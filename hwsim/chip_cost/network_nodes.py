"""The nodes of a torch network: it runs once, digitally, and what each result comes from is followed through.

Every array that is, or would be, analog becomes a node with a matrix; pooling, sums of branches, and convolutions and
linear layers that stay digital become digital steps. Arrays of a recurrent layer run once a time step; scores of
attention are in the multiply-accumulates of the digital side alone. Any other operation passes on what its inputs come
from, and so does any other layer that stays digital, such as an LSTM. Where a map changes its shape, the order of its
places is lost, and whatever comes next waits for all of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final, cast, final

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hwsim.arguments import require
from hwsim.calibration import floating_point
from hwsim.chip_cost.digital_layers import DigitalLayer
from hwsim.chip_cost.digital_layers import digital_layers as layers_left_digital
from hwsim.chip_cost.workload import Node
from hwsim.conversion import analog_layers, as_analog_as_possible
from hwsim.hardware import Hardware, TileSpec
from hwsim.inputs import explained, inputs_of
from hwsim.modules import AnalogComposite, AnalogLayer
from hwsim.modules.counterparts import LAYERS, UNSUPPORTED
from hwsim.multiplications import example_of, multiply_accumulates

_CONVOLUTIONS: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_POOLS: Final = ("avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d", "max_pool2d_with_indices")
_REDUCTIONS: Final = ("mean", "sum", "amax", "_adaptive_avg_pool2d", "adaptive_max_pool2d")
_SUMS: Final = ("add", "add_", "sub", "sub_", "mul", "mul_", "maximum")


@dataclass(frozen=True)
class Traced:
    """A network as nodes.

    Attributes:
        names: of the nodes: of layers as in `named_modules`, of digital steps what they do.
        nodes: in the order in which they ran.
        digital: layers that are not on tiles.
        largest_activations: values that are alive at once at most: the inputs and outputs of one node.
        notes: what somebody should know of the network.
    """

    names: tuple[str, ...]
    nodes: tuple[Node, ...]
    digital: tuple[DigitalLayer, ...]
    largest_activations: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Origin:
    """What a tensor comes from: nodes, and whether their places are still in the order of their maps."""

    nodes: Mapping[int, bool]

    def unordered(self) -> _Origin:
        return _Origin(dict.fromkeys(self.nodes, False))


def network_nodes(
    net: nn.Module,
    example: object,
    input_shape: Sequence[int] | None,
    tile: TileSpec | None,
    digital_layers: Collection[str | type[nn.Module]] | str | type[nn.Module] = (),
) -> Traced:
    """Return the nodes of a network.

    Args:
        net: an analog network, or a digital one, whose layers count as analog where `to_analog` would replace them.
        example: inputs, of which the first counts.
        input_shape: in place of an example, the shape of one input.
        tile: what the layers of an analog network must be on, and each kernel must fit into; None for any.
        digital_layers: as in `to_analog`, for a digital network.

    Raises:
        ValueError: for inputs that the network cannot run on, a network without analog layers or on other tiles, and a
            kernel that does not fit into a tile.
        TypeError: for an argument of another type.
    """
    require(net, nn.Module, "`network` must be a torch module or a list of matrices")
    example = example_of(example, input_shape)
    if example is None:
        raise ValueError("`input_shape` must be given for a torch network, like (3, 32, 32)")
    like = next(net.parameters(), torch.empty(0))
    inputs = inputs_of("example", example, like)
    if len(inputs) == 0:
        raise ValueError("`example` must have at least one input, got none")
    one = inputs.part(0, 1).copied_to(like.device)
    refused: dict[str, str] = {}
    if not any(analog_layers(net)):
        of_tile = {} if tile is None else {"tile": tile.model_dump()}
        net, refused = as_analog_as_possible(net, Hardware().replace(of_tile), digital_layers)
    problems = {
        module: why
        for name, why in refused.items()
        if not isinstance(module := net.get_submodule(name), UNSUPPORTED)
    }
    names = {module: name for name, module in net.named_modules()}
    analog = _analog(net, names, tile, problems)
    follower = _Follower(names, analog, None if tile is None else tile.rows)
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(floating_point(net))
        for module in net.modules():
            if module in analog or isinstance(module, (*_CONVOLUTIONS, nn.Linear)):
                stack.callback(module.register_forward_pre_hook(follower.enter).remove)
                stack.callback(module.register_forward_hook(follower.leave).remove)
            elif isinstance(module, AnalogComposite):
                stack.callback(module.register_forward_pre_hook(follower.enter_composite).remove)
                stack.callback(module.register_forward_hook(follower.leave_composite).remove)
            elif isinstance(module, LAYERS):
                stack.callback(module.register_forward_pre_hook(follower.enter).remove)
                stack.callback(module.register_forward_hook(follower.leave_digital, with_kwargs=True).remove)
        stack.enter_context(explained("example", one))
        follower.begin(one.tensors)
        stack.enter_context(follower)
        one.into(net)
    left = layers_left_digital(net, analog, problems, multiply_accumulates(net, example))
    return replace(follower.traced(), digital=left)


def _analog(
    net: nn.Module, names: Mapping[nn.Module, str], tile: TileSpec | None, problems: Mapping[nn.Module, str]
) -> set[nn.Module]:
    """Return the layers that are on tiles."""
    found: set[nn.Module] = set()
    for name, layer in analog_layers(net):
        sides = layer.mapping.tile_rows, layer.mapping.tile_columns
        if tile is not None and sides != (tile.rows, tile.columns):
            raise ValueError(
                f"layer `{name}` must be on the chip's tiles of {tile.rows} × {tile.columns}, got {sides[0]} × "
                f"{sides[1]}: convert the network with the chip's hardware, or pass the digital network"
            )
        found.add(layer)
    if not found:
        first, reason = next(iter(problems.items()), (net, ""))
        because = f": `{names[first] or type(first).__name__}` cannot be, {reason}" if reason else ""
        raise ValueError(f"`network` must have a layer that can be analog, got none{because}")
    return found


@final
class _Follower(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it so
    def __init__(
        self, names: Mapping[nn.Module, str], analog: Collection[nn.Module], kernel_rows: int | None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it so
        self._module_names = names
        self._analog = analog
        self._kernel_rows = kernel_rows
        self._names: list[str] = []
        self._nodes: list[Node] = []
        self._origins: dict[int, _Origin] = {}
        self._alive: list[torch.Tensor] = []  # an id is of one tensor as long as that lives
        self._of_layer: dict[nn.Module, int] = {}
        self._linear: set[int] = set()  # nodes whose outputs have their channels last
        self._reused: list[str] = []
        self._steps: Counter[str] = Counter()
        self._largest = 0
        self._inside = 0
        self._composites = 0

    def begin(self, tensors: Iterable[torch.Tensor]) -> None:
        """Take the network's inputs."""
        for tensor in tensors:
            self._put(tensor, _Origin({}))

    def traced(self) -> Traced:
        idle = [self._module_names[layer] for layer in self._analog if layer not in self._of_layer]
        told = {
            "layers that run several times in an inference": list(dict.fromkeys(self._reused)),
            "layers that never run, and are left out": sorted(idle),
        }
        notes = tuple(f"{what}: {', '.join(names)}" for what, names in told.items() if names)
        return Traced(tuple(self._names), tuple(self._nodes), (), self._largest, notes)

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        results = operation(*arguments, **(named or {}))
        if not self._inside:
            self._follow(operation.overloadpacket.__name__, arguments, named or {}, results)
        return results

    def enter(self, module: nn.Module, _arguments: tuple[Any, ...]) -> None:
        """Stop following inside of a layer."""
        self._inside += 1

    def enter_composite(self, _module: nn.Module, _arguments: tuple[Any, ...]) -> None:
        """Follow states and scores without steps of their own, which would be as many as there are times."""
        self._composites += 1

    def leave_composite(self, _module: nn.Module, _arguments: tuple[Any, ...], _output: Any) -> None:
        """Take steps again."""
        self._composites -= 1

    def leave(self, module: nn.Module, arguments: tuple[Any, ...], output: torch.Tensor) -> None:
        """Make a node of a layer that has run."""
        self._inside -= 1
        if self._inside:
            return
        (source, *_) = arguments
        name = self._module_names[module]
        rows, columns, groups = _matrix(module)
        is_linear = not _kernel(module)
        positions = output.numel() // output.shape[-1] if is_linear else math.prod(output.shape[2:])
        self._largest = max(self._largest, source.numel() + output.numel())
        if module in self._of_layer:
            place = self._of_layer[module]
            self._nodes[place] = self._nodes[place]._replace(
                positions=self._nodes[place].positions + positions
            )
            self._reused.append(name)
            self._put(output, _Origin({place: False}))
            return
        need = 1 if is_linear else _first_window(module, source)
        self._check_kernel(module, name)
        node = (
            Node(rows, columns, groups, positions)
            if module in self._analog
            else Node(0, columns, 1, positions)
        )
        self._of_layer[module] = self._add(name or type(module).__name__, node, [source], need)
        if is_linear:
            self._linear.add(self._of_layer[module])
        self._put(output, _Origin({self._of_layer[module]: True}))

    def leave_digital(
        self, module: nn.Module, arguments: tuple[Any, ...], named: Mapping[str, Any], results: Any
    ) -> None:
        """Pass on what went into a layer that has no counterpart on tiles, such as an LSTM: all of it comes first."""
        self._inside -= 1
        if self._inside:
            return
        sources = self._known(arguments, named)
        places = {place for source in sources for place in self._origins[id(source)].nodes}
        for leaf in tree_leaves(results):
            if isinstance(leaf, torch.Tensor):
                self._put(leaf, _Origin(dict.fromkeys(sorted(places), False)))

    def _known(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> list[torch.Tensor]:
        """Return the tensors of a call whose origin is known."""
        leaves = tree_leaves((arguments, dict(named)))
        return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and id(leaf) in self._origins]

    def _follow(self, name: str, arguments: tuple[Any, ...], named: Mapping[str, Any], results: Any) -> None:
        sources = self._known(arguments, named)
        outputs = [leaf for leaf in tree_leaves(results) if isinstance(leaf, torch.Tensor)]
        if not sources or not outputs:
            return
        output = outputs[0]
        is_step = self._composites == 0
        if is_step and name in _POOLS:
            kernel = _pair(arguments[1])
            operations = math.prod(kernel) * output.numel()
            node = Node(0, output.shape[1], 1, math.prod(output.shape[2:]), operations)
            need = _window(kernel, _pair(_argument(arguments, 3, 0)), (1,) * len(kernel), sources[0])
            place = self._step("pooling", node, sources, need)
            origin = _Origin({place: True})
        elif is_step and name in _REDUCTIONS and output.numel() < sources[0].numel():
            n_positions = math.prod(output.shape[2:]) if output.ndim == sources[0].ndim else 1
            node = Node(0, output.shape[1] if output.ndim > 1 else 1, 1, n_positions, sources[0].numel())
            place = self._step("pooling", node, [self._unordered(sources[0])], 1)
            origin = _Origin({place: n_positions == 1})
        elif is_step and name in _SUMS and len(sources) > 1:
            columns, n_positions = self._map(output, sources)
            node = Node(0, columns, 1, n_positions, output.numel())
            origin = _Origin({self._step("addition", node, sources, 1): True})
        else:
            found: dict[int, bool] = {}
            for source in sources:
                for place, ordered in self._origins[id(source)].nodes.items():
                    keeps = ordered and _same_places(source, output)
                    found[place] = found.get(place, True) and keeps
            origin = _Origin(found)
        for tensor in outputs:
            self._put(tensor, origin)

    def _map(self, output: torch.Tensor, sources: list[torch.Tensor]) -> tuple[int, int]:
        """Return channels and places of the map of a sum; what linear layers make of sequences has channels last."""
        if output.ndim == 3:
            places = {place for source in sources for place in self._origins[id(source)].nodes}
            if any(
                place in self._linear and self._nodes[place].columns == output.shape[2] for place in places
            ):
                self._linear.add(len(self._nodes))
                return output.shape[2], output.shape[1]
        return output.shape[1] if output.ndim > 1 else 1, self._places(sources)

    def _places(self, sources: list[torch.Tensor]) -> int:
        """Return the places of the map that results have in common; 1 where their order is lost."""
        found = [
            self._nodes[place].positions if ordered else 1
            for source in sources
            for place, ordered in self._origins[id(source)].nodes.items()
        ]
        return max(found, default=1)

    def _unordered(self, tensor: torch.Tensor) -> torch.Tensor:
        view = tensor.detach()
        self._put(view, self._origins[id(tensor)].unordered())
        return view

    def _step(self, kind: str, node: Node, sources: list[torch.Tensor], need: int) -> int:
        self._steps[kind] += 1
        return self._add(f"{kind} {self._steps[kind]}", node, sources, need)

    def _add(self, name: str, node: Node, sources: list[torch.Tensor], need: int) -> int:
        needs: dict[int, int] = {}
        for source in sources:
            for place, ordered in self._origins.get(id(source), _Origin({})).nodes.items():
                outputs = self._nodes[place].positions
                needs[place] = max(needs.get(place, 1), min(need, outputs) if ordered else outputs)
        self._nodes.append(node._replace(sources=tuple(needs), needs=tuple(needs.values())))
        self._names.append(name)
        return len(self._nodes) - 1

    def _put(self, tensor: torch.Tensor, origin: _Origin) -> None:
        self._origins[id(tensor)] = origin
        self._alive.append(tensor)

    def _check_kernel(self, module: nn.Module, name: str) -> None:
        kernel = _kernel(module)
        rows = self._kernel_rows
        if rows is not None and module in self._analog and math.prod(kernel) > rows:
            shape = " × ".join(map(str, kernel))
            raise ValueError(
                f"`tile.rows` must hold the {shape} kernel of layer `{name}`, {math.prod(kernel)} rows, got "
                f"{rows}"
            )


def _matrix(module: nn.Module) -> tuple[int, int, int]:
    """Return rows and columns of the whole matrix of a layer, and its groups."""
    if isinstance(module, AnalogLayer):
        return module.mapping.rows, module.mapping.columns, module.mapping.groups
    weight = module.get_parameter("weight")
    groups = int(cast(Any, module).groups) if isinstance(module, _CONVOLUTIONS) else 1
    return weight[0].numel() * groups, len(weight), groups


def _kernel(module: nn.Module) -> tuple[int, ...]:
    """Return the kernel of a convolution; nothing for a linear layer."""
    found = getattr(module, "kernel_size", ())
    return (found,) if isinstance(found, int) else tuple(found)


def _first_window(module: nn.Module, source: torch.Tensor) -> int:
    kernel = _kernel(module)
    layer = cast(Any, module)
    padding = layer.padding
    if isinstance(padding, str):
        padding = [
            step * (side - 1) // 2 if padding == "same" else 0
            for side, step in zip(kernel, layer.dilation, strict=True)
        ]
    return _window(kernel, _pair(padding), _pair(layer.dilation), source)


def _window(
    kernel: Iterable[int], padding: Iterable[int], dilation: Iterable[int], source: torch.Tensor
) -> int:
    """Return how many places of the source's map the first place of a window's result needs."""
    sizes = source.shape[-len(tuple(kernel)) :]
    found, kernel = 0, list(kernel)
    paddings, dilations = (list(values) * len(kernel) for values in (padding, dilation))
    for side, pad, step, size in zip(kernel, paddings, dilations, sizes, strict=False):
        found = found * size + max(0, min((side - 1) * step - pad, size - 1))
    return found + 1


def _pair(value: Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


def _argument(arguments: tuple[Any, ...], place: int, default: Any) -> Any:
    return arguments[place] if len(arguments) > place else default


def _same_places(source: torch.Tensor, output: torch.Tensor) -> bool:
    """Whether an operation keeps the order of places: the shape besides channels is the same."""
    if source.ndim != output.ndim or source.ndim < 2:
        return False
    if source.ndim == 3:
        return source.shape[1] == output.shape[1] or source.shape[2] == output.shape[2]
    return source.shape[2:] == output.shape[2:]
