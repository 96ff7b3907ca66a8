from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from analognas.export.error import ExportError
from analognas.export.flat_graph import exported_state
from analognas.export.python_source import Description, python_source
from analognas.export.standardised import Standardised
from analognas.export.weights import write_test_data, write_weights

Importer = Callable[[Path], ModuleType]

HOSTILE = (
    '"""\nimport os; os.abort()\n"""',
    '\\"""; import os; os.abort() #',
    '\\\\"""',
    "'); raise SystemExit(3) #",
    "x\x00y\r\nimport os",
    "\u202eevil\u2028import os",
    "\ud800",
    "{os} %s \\N{BULLET} \\x41",
    "`</script>`",
    "",
)


def _models(networks: ModuleType) -> dict[str, Standardised]:
    settled = networks.settled
    return {
        "residual": Standardised(
            settled(networks.ResidualNetwork(3), 3, 8, 8), [0.1, 0.2, 0.3], [0.4, 0.5, 0.6], (3, 8, 8)
        ),
        "depthwise": Standardised(settled(networks.DepthwiseNetwork(), 4, 20), [0.5], [2.0], (4, 20)),
        "recurrent": Standardised(settled(networks.Recurrent(), 4, 9), [0.0], [1.0], (4, 9)),
        "colliding": Standardised(networks.Colliding(), [0.0], [1.0], (5,)),
        "sequential": Standardised(
            nn.Sequential(nn.Linear(6, 4), nn.GELU(), nn.LayerNorm(4), nn.PReLU(), nn.Linear(4, 2)),
            [0],
            [3],
            (6,),
        ),
    }


@pytest.mark.parametrize("name", ["residual", "depthwise", "recurrent", "colliding", "sequential"])
def test_the_file_computes_what_the_network_computes(
    name: str, networks: ModuleType, tmp_path: Path, imported: Importer
) -> None:
    model = _models(networks)[name].eval()
    (tmp_path / "model.py").write_text(python_source(model, Description(name)), encoding="utf-8")
    write_weights(model, tmp_path / "model.safetensors")
    network = imported(tmp_path / "model.py").load()
    x = torch.randn(5, *model.input_shape) * 3 + 1
    with torch.no_grad():
        torch.testing.assert_close(network(x), model(x), rtol=0, atol=1e-6)
    assert not network.training


def test_layers_are_spelled_out_as_a_person_would_write_them(networks: ModuleType) -> None:
    source = python_source(_models(networks)["residual"], Description("n"))
    assert "        self.stem_0 = nn.Conv2d(3, 8, kernel_size=3, padding=1)\n" in source
    assert "self.blocks_0_branches_1_3 = nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False)" in source
    assert "self.blocks_1 = nn.Conv2d(8, 12, kernel_size=1, stride=2)" in source
    assert "        x = (x - self.mean) / self.std\n        x = self.stem_0(x)\n" in source
    assert max(map(len, source.splitlines())) <= 120


def test_state_has_the_names_of_the_file_and_owns_its_memory(networks: ModuleType) -> None:
    model = _models(networks)["residual"]
    state = exported_state(model)
    assert {"mean", "std", "stem_0.weight", "blocks_0_branches_0_1.running_mean", "head.bias"} <= state.keys()
    assert len(state) == 2 + len(model.network.state_dict())
    state["head.bias"].add_(1)
    assert not torch.equal(state["head.bias"], model.network.state_dict()["head.bias"])


def test_paths_that_collide_get_names_of_their_own(networks: ModuleType) -> None:
    state = exported_state(_models(networks)["colliding"])
    layers = {name.partition(".")[0] for name in state} - {"mean", "std"}
    assert len(layers) == 6
    assert all(layer.isidentifier() and layer.isascii() for layer in layers)
    assert {"a_b_c", "a_b_c_2", "mean_2"} <= layers


def test_only_torch_is_imported(networks: ModuleType) -> None:
    tree = ast.parse(python_source(_models(networks)["depthwise"], Description("n")))
    modules = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules == {"sys", "pathlib", "torch", "torch.nn", "safetensors.torch"}


def test_the_script_prints_the_accuracy_from_any_folder(networks: ModuleType, tmp_path: Path) -> None:
    model = _models(networks)["residual"].eval()
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "model.py").write_text(python_source(model, Description("n")), encoding="utf-8")
    write_weights(model, folder / "model.safetensors")
    x = torch.randn(300, *model.input_shape)
    with torch.no_grad():
        y = model(x).argmax(1)
    y[:30] = (y[:30] + 1) % 10
    write_test_data(x, y, tmp_path / "data.safetensors")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        # -I: neither this folder nor any of ours can be imported
        command = [sys.executable, "-I", str(folder / "model.py"), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("data.safetensors")
    assert (done.returncode, done.stdout) == (0, "accuracy 0.900000 on 300 inputs\n"), done.stderr
    missing = run("nowhere.safetensors")
    assert missing.returncode == 1
    assert missing.stderr == "nowhere.safetensors: no such file\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_code(text: str, networks: ModuleType, tmp_path: Path, imported: Importer) -> None:
    model = _models(networks)["depthwise"]
    names = [text, f"{text}{text}", "ok"]
    harmless = ast.parse(python_source(model, Description("n", ["a", "b", "c"], ["note"])))
    source = python_source(model, Description(text, names, [text, f"note: {text}"]))
    hostile = ast.parse(source)
    assert isinstance(hostile.body[0], ast.Expr) and isinstance(hostile.body[0].value, ast.Constant)
    # apart from the docstring and the tuple of names, the two files are the same program
    for tree in (harmless, hostile):
        del tree.body[0]
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CLASS_NAMES":
                node.value = ast.Constant(None)
    assert ast.dump(harmless) == ast.dump(hostile)
    path = tmp_path / "model.py"
    path.write_text(source, encoding="utf-8")
    assert list(imported(path).CLASS_NAMES) == names


class _Custom(nn.Linear):
    pass


class _Hidden(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch._C._nn.gelu(torch.special.expit(x))


def test_an_untraceable_network_says_why_and_what_to_do(networks: ModuleType) -> None:
    model = Standardised(networks.Branching(), [0.0], [1.0], (5,))
    with pytest.raises(
        ExportError, match=r"cannot trace Branching: .*control flow.*move it into the constructor"
    ):
        python_source(model, Description("n"))


def _parametrised() -> nn.Module:
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(5, 2)))


def _hooked() -> nn.Module:
    layer = nn.Linear(5, 2)
    layer.register_forward_hook(lambda module, inputs, output: output + 1)
    return nn.Sequential(layer)


def _altered() -> nn.Module:
    network = nn.Sequential(nn.Linear(5, 2))
    network[0].out_features = 3
    return network


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (_parametrised, "remove parametrizations"),
        (_hooked, "layer `0` has forward hooks"),
        (_altered, "do not change a layer's attributes"),
        (lambda: nn.Sequential(nn.Linear(5, 2), _Hidden()), "cannot be written as plain torch"),
        (lambda: nn.Linear(4, 2), "does not take inputs"),
        (lambda: nn.Unflatten(1, (5, 1, 1)), r"must return logits `\(batch, classes\)`"),
    ],
)
def test_what_cannot_be_written_is_an_error(network: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        python_source(Standardised(network(), [0.0], [1.0], (5,)), Description("n"))


def test_class_names_must_match_the_outputs(networks: ModuleType) -> None:
    with pytest.raises(ValueError, match="3 class names are needed"):
        python_source(_models(networks)["depthwise"], Description("n", ["a", "b"]))


def test_the_network_is_left_as_it_was(networks: ModuleType) -> None:
    model = _models(networks)["depthwise"].train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    python_source(model, Description("n"))
    assert model.training and model.network.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
