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
