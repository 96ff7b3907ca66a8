import numpy as np
import torch
from sklearn.datasets import load_digits as bunch

from analognas.tasks.digits import load_digits


def test_the_split_is_stratified_and_holds_every_image_once() -> None:
    task = load_digits()
    assert (len(task.train), len(task.validation), len(task.test)) == (1078, 360, 359)
    assert task.input_shape == (1, 8, 8)
    images = np.concatenate([split.x.numpy() for split in (task.train, task.validation, task.test)]).reshape(
        -1, 64
    )
    assert sorted(map(tuple, images.tolist())) == sorted(map(tuple, bunch().data.tolist()))
    shares = np.stack(
        [np.bincount(s.y.numpy(), minlength=10) for s in (task.train, task.validation, task.test)]
    )
    assert (np.abs(shares - np.outer([0.6, 0.2, 0.2], shares.sum(axis=0))) <= 1).all()


def test_it_is_the_same_split_every_time() -> None:
    assert load_digits().fingerprint == "5885205ef42de9354a26c3e8d74f6d340a86dc96cd1f8961d9bb2dc61f8d5aec"


def test_training_inputs_are_standardised() -> None:
    task = load_digits()
    x = task.standardise(task.train.x)
    torch.testing.assert_close(x.mean(dim=(0, 2, 3)), torch.zeros(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(dim=(0, 2, 3)), torch.ones(1), atol=1e-5, rtol=0)
