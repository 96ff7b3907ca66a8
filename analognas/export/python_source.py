"""A network as one readable Python file that needs nothing but torch.

The file spells out every layer in one flat class and loads its weights from the safetensors file next to it.
Text that comes from users (names of runs and classes, notes) is written into it as escaped literals only, so
that no name can become code.

What can be written: networks that `torch.fx` can trace, made of layers of `torch.nn` and public functions of
torch.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from torch import nn

from analognas.export.constructor import constructor, literal
from analognas.export.flat_graph import FlatNetwork, flatten
from analognas.export.forward_source import forward_lines
from analognas.export.layout import LINE, laid_out
from analognas.export.standardised import TENSORS, Standardised

_INDENT: Final = 8
_TEXT: Final = LINE - len('"""')
"""Width of the first line of a docstring, and of the others."""


@dataclass(frozen=True)
class Description:
    """What a reader of an exported file should know of the network; any text is allowed.

    Attributes:
        name: of the network or the run.
        class_names: in the order of the outputs; empty when the classes have none.
        notes: one line each: where it comes from, what was measured.
    """

    name: str
    class_names: Sequence[str] = ()
    notes: Sequence[str] = ()


def python_source(model: Standardised, description: Description) -> str:
    """Return the content of `model.py`.

    Its class `Network` takes raw inputs; its layer names are those of `exported_state`.

    Raises:
        ExportError: when the network cannot be traced, or uses something other than plain torch.
        ValueError: when there are class names, but not one for each output.
    """
    flat = flatten(model)
    names = list(description.class_names)
    if names and len(names) != flat.classes:
        raise ValueError(f"{flat.classes} class names are needed, one for each output; got {len(names)}")
    body = forward_lines(flat)
    uses_functional = any("functional." in line for line in body)
    imports = ["import sys", "from pathlib import Path", "", "import torch", "from torch import Tensor, nn"]
    if uses_functional:
        imports.append("from torch.nn import functional")
    sections = [
        _docstring(model, description, flat),
        "\n".join(imports),
        _constants(model, names, flat.classes),
        _network(model, flat, body),
        _TAIL,
    ]
    return "\n\n".join(sections[:3]) + "\n\n\n" + "\n\n\n".join(sections[3:])


def _network(model: Standardised, flat: FlatNetwork, body: list[str]) -> str:
    lines = [
        "class Network(nn.Module):",
        f'    """Takes raw inputs `(batch, *INPUT_SHAPE)` float32, returns logits `{_logits(flat)}`."""',
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
    ]
    for name in TENSORS:
        shape = tuple(getattr(model, name).shape)
        lines += laid_out(f'self.register_buffer("{name}", torch.zeros({shape}))', _INDENT)
    for path, (name, layer) in flat.layers.items():
        lines += laid_out(f"self.{name} = {constructor(layer, path)}", _INDENT)
    for name, value in flat.tensors.values():
        zeros = f"torch.zeros({tuple(value.shape)}, dtype={value.dtype})"
        if isinstance(value, nn.Parameter):
            lines += laid_out(f"self.{name} = nn.Parameter({zeros})", _INDENT)
        else:
            lines += laid_out(f'self.register_buffer("{name}", {zeros})', _INDENT)
    lines += ["", "    def forward(self, x: Tensor) -> Tensor:"]
    lines.append(f'{" " * _INDENT}"""Return the logits."""')
    for line in ("x = (x - self.mean) / self.std", *body):
        lines += laid_out(line, _INDENT)
    return "\n".join(lines)


def _constants(model: Standardised, names: list[str], classes: int) -> str:
    lines = [f"INPUT_SHAPE = {model.input_shape}", f"CLASSES = {classes}"]
    if names:
        lines += laid_out(f"CLASS_NAMES = {literal(tuple(map(str, names)), 'CLASS_NAMES')}")
    return "\n".join(lines)


def _logits(flat: FlatNetwork) -> str:
    return "(batch, CLASSES, steps)" if flat.every_step else "(batch, CLASSES)"


def _docstring(model: Standardised, description: Description, flat: FlatNetwork) -> str:
    channels = "x".join(map(str, model.input_shape))
    weights = sum(parameter.numel() for parameter in model.network.parameters())
    title = _plain(description.name) or "network"
    purpose = (
        f"predicts the next of {flat.classes} symbols at every step of {channels} inputs"
        if flat.every_step
        else f"a classifier of {channels} inputs into {flat.classes} classes"
    )
    paragraphs = [f"{title}: {purpose}, {weights:,} parameters."]
    paragraphs.append("\n".join(f"- {_plain(note)}" for note in description.notes))
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    # with every backslash and double quote escaped, nothing inside can end the string; lines end at blanks alone
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    fill = textwrap.TextWrapper(_TEXT, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    wrapped = "\n".join(map(fill.fill, escaped.split("\n")))
    return f'"""{wrapped}\n\n{_USAGE_OF_STEPS if flat.every_step else _USAGE}"""'


def _plain(text: str) -> str:
    """Return one line of printable text: control and direction characters become question marks."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(text).split()))


_USAGE: Final = """\
Needs torch and safetensors only. The network takes the raw inputs; their normalisation is part of it.

    network = load()              # model.safetensors, from the folder of this file
    logits = network(x)           # x: float32, (batch, *INPUT_SHAPE)
    label = logits.argmax(1)

    python model.py data.safetensors      # prints the accuracy on the tensors `x` and `y` of that file
"""

_USAGE_OF_STEPS: Final = """\
Needs torch and safetensors only. The network takes the codes of symbols, which are places in CLASS_NAMES.

    network = load()              # model.safetensors, from the folder of this file
    logits = network(x)           # x: float32, (batch, *INPUT_SHAPE); logits: (batch, CLASSES, steps)
    following = logits.argmax(1)  # of each symbol, the one that is expected next

    python model.py data.safetensors      # prints the accuracy on the tensors `x` and `y` of that file
"""

_TAIL: Final = '''\
def load(path: str = "model.safetensors") -> Network:
    """Return the trained network in evaluation mode; a relative path starts at the folder of this file."""
    from safetensors.torch import load_file

    network = Network()
    network.load_state_dict(load_file(Path(__file__).resolve().parent / path))
    return network.eval()


@torch.inference_mode()
def accuracy(network: Network, x: Tensor, y: Tensor, batch: int = 256) -> float:
    """Return the fraction of the labels `y` that the inputs `x` get."""
    hits = sum(
        int((network(inputs.float()).argmax(1) == labels).sum())
        for inputs, labels in zip(x.split(batch), y.split(batch), strict=True)
    )
    return hits / y.numel()


def main() -> None:
    """Print the accuracy on a data file."""
    from safetensors.torch import load_file

    if len(sys.argv) != 2:
        sys.exit("usage: python model.py data.safetensors")
    if not Path(sys.argv[1]).is_file():
        sys.exit(f"{sys.argv[1]}: no such file")
    data = load_file(sys.argv[1])
    if not {"x", "y"} <= data.keys():
        sys.exit(f"{sys.argv[1]}: must hold the tensors `x` and `y`, has {sorted(data)}")
    if tuple(data["x"].shape[1:]) != INPUT_SHAPE:
        sys.exit(f"{sys.argv[1]}: `x` must be (n, *{INPUT_SHAPE}), is {tuple(data['x'].shape)}")
    share = accuracy(load(), data["x"], data["y"])
    print(f"accuracy {share:.6f} on {len(data['y'])} inputs")


if __name__ == "__main__":
    main()
'''
