"""Every network of the built-in spaces, and every published one, can be written as plain torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from analognas.export.python_source import Description, python_source
from analognas.export.standardised import Standardised
from analognas.export.weights import write_weights
from search_spaces import NasBench201Space, ResNetSpace, genotypes, published, published_names

SHAPE = (1, 8, 8)


def _sampled(name: str) -> list[nn.Module]:
    space = {
        "resnet": ResNetSpace(SHAPE, 10, oc0=(8, 16), m=(1, 3), r=(1, 3), b=(1, 3)),
        "nas-bench-201": NasBench201Space(SHAPE, 10),
    }[name]
    return [space.build(genotype) for genotype in genotypes(space.sample(4, np.random.default_rng(5)))]


def _published(name: str) -> list[nn.Module]:
    return [published(name, SHAPE, 10)]


NETWORKS = dict.fromkeys(("resnet", "nas-bench-201"), _sampled) | dict.fromkeys(published_names(), _published)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_exported_file_computes_the_same(
    name: str, networks: ModuleType, tmp_path: Path, imported: Callable[[Path], ModuleType]
) -> None:
    for network in NETWORKS[name](name):
        model = Standardised(networks.settled(network, *SHAPE), [4.9], [6.0], SHAPE).eval()
        (tmp_path / "model.py").write_text(python_source(model, Description(name)), encoding="utf-8")
        write_weights(model, tmp_path / "model.safetensors")
        exported = imported(tmp_path / "model.py").load()
        x = torch.rand(4, *SHAPE) * 16
        with torch.no_grad():
            torch.testing.assert_close(exported(x), model(x), rtol=1e-5, atol=1e-5)
