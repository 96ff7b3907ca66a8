"""Takes a found network up again from `best/`: architecture.json and model.safetensors, no code from the folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

import hwsim
from analognas.config.budgets import FinalSpec, TrainingSpec
from analognas.config.document import Document
from analognas.config.translate import translate
from analognas.errors import UserError
from analognas.export.checksums import CHECKSUMS, is_damaged
from analognas.export.flat_graph import exported_names
from analognas.export.standardised import Standardised
from analognas.record.validation import BEST
from analognas.spaces.specs import SpaceSection
from analognas.specs.base import Spec
from analognas.specs.given import GivenObjects, put_objects
from analognas.tasks.specs import TaskSection
from analognas.training.channels_last import to_channels_last
from search_spaces import published

SCHEMA_VERSION: Final = 1
"""Of architecture.json as it is written now; a file without a number is of this one."""

REMEDY: Final = (
    "restore it from a copy, or delete the run's folder `best`: `analognas resume` trains the network again"
)
"""What helps against weights that are damaged."""

_REMEDY_ARCHITECTURE: Final = (
    "give the architecture.json of a run; `analognas resume` exports one that is damaged again"
)


class ArchitectureFile(Spec):
    """The content of architecture.json."""

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1)
    architecture: dict[str, Any]
    genotype: tuple[int, ...] | None = Field(
        description="null for a published network, which has its name alone"
    )
    space: SpaceSection
    input_shape: tuple[int, int, int]
    classes: tuple[str, ...] = Field(min_length=2)
    task: TaskSection
    data_sha256: str
    training: TrainingSpec
    final: FinalSpec
    hardware: hwsim.Hardware
    chip: hwsim.Chip | None = None
    seed: int
    training_seed: int | None = None
    threads: int = Field(ge=1, le=256)


@dataclass(frozen=True)
class Architecture:
    """A found architecture.

    Attributes:
        content: what architecture.json says.
        path: the file.
    """

    content: ArchitectureFile
    path: Path

    @property
    def weights(self) -> Path:
        """Where its trained weights are, if they are."""
        return self.path.with_name("model.safetensors")

    @property
    def name(self) -> str:
        """Under which a run trains it: `best`, or the name of a reference."""
        return BEST if self.content.genotype is not None else str(self.content.architecture.get("name"))

    def build(self) -> nn.Module:
        """Return the untrained network.

        Raises:
            UserError: when the architecture is not in its space, or there is no published network of its name.
        """
        content = self.content
        try:
            if content.genotype is None:
                return published(self.name, content.input_shape, len(content.classes))
            space = content.space.build(content.input_shape, len(content.classes))
            return space.build(space.parse(content.architecture))
        except (ValueError, UserError) as error:
            raise UserError(f"{self.path}: {error}") from None


def read_architecture(path: Path, objects: GivenObjects | None = None) -> Architecture:
    """Read architecture.json.

    Args:
        path: the file.
        objects: that it names and cannot hold; its task or space cannot be made without them.

    Raises:
        UserError: when the file is missing, not such a file, or of a newer version of analognas.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; {_REMEDY_ARCHITECTURE}") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path}: not a JSON file; {_REMEDY_ARCHITECTURE}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: must hold a JSON object; {_REMEDY_ARCHITECTURE}")
    schema = values.get("schema_version", SCHEMA_VERSION)
    if type(schema) is int and schema > SCHEMA_VERSION:
        raise UserError(
            f"{path}: `schema_version` must be at most {SCHEMA_VERSION}, got {schema}: a newer analognas wrote it; "
            "read it with that one (`pip install --upgrade analognas`)"
        )
    put_objects(values, {name: given for name, given in (objects or {}).items() if name in values})
    try:
        content = ArchitectureFile.model_validate(values, context={"folder": path.parent.absolute()})
    except ValidationError as error:
        document = Document(source=str(path), values=values)
        raise translate(error, ArchitectureFile, document) from None
    return Architecture(content, path)


def load_network(folder: Path, objects: GivenObjects | None = None) -> nn.Module:
    """Return the trained network of a `best/` folder, in evaluation mode: standardised inputs to logits.

    Raises:
        UserError: when a file is missing or the weights do not fit the architecture.
    """
    architecture = read_architecture(folder / "architecture.json", objects)
    network = architecture.build()
    load_weights(network, architecture.weights, architecture.content.input_shape)
    return network


def load_weights(network: nn.Module, path: Path, input_shape: tuple[int, int, int]) -> None:
    """Load exported weights into `network` and set it to evaluation mode.

    Raises:
        UserError: when the file is missing, not safetensors, does not fit, holds a value that is not finite, or is
            another than the checksums tell.
    """
    own = network.state_dict()
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: not readable weights (not a plain file); {REMEDY}")
    if path.exists() and is_damaged(path):
        raise UserError(f"{path}: not readable weights (not those of {CHECKSUMS} beside it); {REMEDY}")
    try:
        with safe_open(path, framework="pt") as file:
            own_names = (file.metadata() or {}).get("names") == "state_dict"
            names = {key: f"network.{key}" for key in own} if own_names else _flat_names(network, input_shape)
            stored = set(file.keys())
            state: dict[str, Tensor] = {
                key: file.get_tensor(name) for key, name in names.items() if name in stored
            }
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: not readable weights ({error}); {REMEDY}") from None
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    unfit = [key for key, tensor in state.items() if tensor.shape != own[key].shape]
    if missing or unfit:
        raise UserError(
            f"{path}: the weights do not fit the architecture, first at `{(missing + unfit)[0]}`; {REMEDY}"
        )
    infinite = [key for key, tensor in state.items() if not torch.isfinite(tensor.to(own[key].dtype)).all()]
    if infinite:
        raise UserError(f"{path}: the weights must be finite, those of `{infinite[0]}` are not; {REMEDY}")
    network.load_state_dict(state, strict=False)
    to_channels_last(network)
    network.eval()


def _flat_names(network: nn.Module, input_shape: tuple[int, int, int]) -> dict[str, str]:
    return exported_names(Standardised(network, [0.0], [1.0], input_shape))
