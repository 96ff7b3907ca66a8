import re
from pathlib import Path

import pytest
import torch
from torch import nn

PAGE = Path(__file__).parents[2] / "docs" / "hwsim.md"


def test_the_pages_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    _, own = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    Path("my-chip.yaml").write_text(own, encoding="utf-8")
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(64, 6, generator=generator), torch.arange(64) % 3
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    names = {"model": model, "x_train": x, "x_test": x, "y_test": y, "torch": torch, "batches": [(x, y)]}
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 8
    for block in blocks:
        if "HwaTraining(" in block:
            names["optimizer"] = torch.optim.SGD(names["net"].parameters(), 0.1)
        exec(block, names)
    assert names["curve"].accuracy.shape == (5, 25)
    assert names["curves"]["F1"].values.shape == (5, 25)
    assert names["scores"].shape == (64, 3)
    assert names["error"].chips == (0, 1, 2, 3, 4)
    assert names["error"].metric == "angle_error"
    assert Path("error.csv").read_text(encoding="utf-8").count("\n") == 26
    assert "accuracy, F1" in Path("both.html").read_text(encoding="utf-8").replace("Accuracy", "accuracy")
    mine = names["mine"]
    assert (mine.device.kind, mine.tile.rows, mine.mvm.ir_drop) == ("polynomial", 256, 1.0)


class Mixing(nn.Module):
    """Multiplies by a matrix of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(32, 16) / 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.matrix.T


class Pixels(nn.Module):
    """Gives an image pixel by pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2).mT


class Last(nn.Module):
    """Returns the last state of a recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = nn.GRU(16, 16, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.memory(x)[1][0]


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")  # torch.export, of its own GRU
def test_the_code_on_models_runs_and_prints_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (PAGE.parent / "hwsim-models.md").read_text(encoding="utf-8")
    (own,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (said,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    Path("my-chip.yaml").write_text(own, encoding="utf-8")
    torch.manual_seed(0)  # torch.nn takes no generator
    first, second = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1, groups=16)
    front = nn.BatchNorm2d(16), nn.ReLU(), second, nn.MaxPool2d(2), Pixels()
    model = nn.Sequential(first, *front, Last(), Mixing(), nn.Linear(32, 10)).eval()
    x = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    names: dict[str, object] = {"model": model, "x": x, "y": torch.arange(40) % 10, "torch": torch}
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 7
    exec(blocks[0], names)
    assert capsys.readouterr().out == said
    for block in blocks[1:]:
        exec(block, names)
    printed = capsys.readouterr().out
    for words in ("analog: ", "all layers: ", "128 × 128", "my-chip\n"):
        assert words in printed
    assert Path("sensitivity.html").exists()
    assert names["mixed"][0].hardware == names["fine"]
    assert names["mixed"][8].hardware == names["small"]


WORDS = {
    "hwsim-networks": ("memory.l1.gates.hidden", "self_attn"),
    "hwsim-devices": ("`photonic` has no model",),
    "hwsim-kernels": ("1 day", "random_projection"),
    "hwsim-memory": ("100 of 100 keys", "51200 devices"),
}
"""What the pages print, among other things."""


@pytest.mark.parametrize("page", WORDS)
def test_the_code_on_further_pages_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)  # torch.nn takes no generator
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    names: dict[str, object] = {"model": model, "x": x, "y": torch.arange(40) % 3}
    for block in re.findall(
        r"```python\n(.*?)```", (PAGE.parent / f"{page}.md").read_text("utf-8"), re.DOTALL
    ):
        exec(block, names)
    printed = capsys.readouterr().out
    for words in WORDS[page]:
        assert words in printed
