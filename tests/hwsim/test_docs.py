import re
from pathlib import Path

import torch
from torch import nn

PAGE = Path(__file__).parents[2] / "docs" / "hwsim.md"


def test_the_pages_code_runs() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(64, 6, generator=generator), torch.arange(64) % 3
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    names = {"model": model, "x_train": x, "x_test": x, "y_test": y, "torch": torch, "batches": [(x, y)]}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    exec(blocks[0], names)
    names["optimizer"] = torch.optim.SGD(names["net"].parameters(), 0.1)
    exec(blocks[1], names)
    assert names["curve"].accuracy.shape == (5, 25)
