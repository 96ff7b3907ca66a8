"""Batches drawn from the table of pixels: the same as slices, and what augmentation does to them."""

import pytest
import torch

from analognas.tasks import Split, Task
from analognas.training import inputs as module
from analognas.training.augmentation import Augmentation
from analognas.training.inputs import TrainingInputs

N, C, H, W = 12, 3, 6, 5


def task(dtype: torch.dtype = torch.float32, copies: int = 0) -> Task:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (N, C, H, W), generator=generator).to(dtype)
    split = Split(x, torch.arange(N) % 3)
    noisy = None
    if copies:
        noisy = torch.stack([x + 1000.0 * (copy + 1) for copy in range(copies)])
    return Task("t", split, split, split, ("a", "b", "c"), noisy=noisy)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_a_batch_is_the_slice_channels_last() -> None:
    data = task()
    index = torch.tensor([3, 0, 7])
    x, y = TrainingInputs(data, Augmentation()).draw(index, generator())
    torch.testing.assert_close(x, data.standardise(data.train.x)[index])
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert y.tolist() == [0, 0, 1]


def test_bytes_stay_bytes_where_they_are_many_and_give_the_same_batch(monkeypatch) -> None:
    data = task(torch.uint8)
    index = torch.arange(N)
    floats, _ = TrainingInputs(data, Augmentation()).draw(index, generator())
    monkeypatch.setattr(module, "LARGEST_FLOATS", 10)
    kept, _ = TrainingInputs(data, Augmentation()).draw(index, generator())
    torch.testing.assert_close(kept, floats)
    assert kept.dtype == torch.float32
    cropped, _ = TrainingInputs(data, Augmentation(crop=2)).draw(index, generator())
    assert cropped.abs().max() <= floats.abs().max() + 1e-5


def test_each_crop_is_a_window_of_the_padded_input() -> None:
    data = task()
    padded = torch.nn.functional.pad(data.standardise(data.train.x), (2, 2, 2, 2))
    x, _ = TrainingInputs(data, Augmentation(crop=2)).draw(torch.arange(N), generator())
    found = set()
    for item in range(N):
        windows = {
            (top, left): padded[item, :, top : top + H, left : left + W]
            for top in range(5)
            for left in range(5)
        }
        (place,) = [place for place, window in windows.items() if torch.equal(window, x[item])]
        found.add(place)
    assert len(found) > 5


def test_about_half_of_the_inputs_are_mirrored() -> None:
    data = task()
    plain = data.standardise(data.train.x)
    inputs = TrainingInputs(data, Augmentation(flip=True))
    x, _ = inputs.draw(torch.arange(N).repeat(20), generator())
    same = (x == plain.repeat(20, 1, 1, 1)).flatten(1).all(1)
    mirrored = (x == plain.flip(3).repeat(20, 1, 1, 1)).flatten(1).all(1)
    assert bool((same ^ mirrored).all())
    assert 0.35 < float(mirrored.float().mean()) < 0.65


def test_cutout_blanks_one_square() -> None:
    data = task()
    plain = data.standardise(data.train.x)
    x, _ = TrainingInputs(data, Augmentation(cutout=3)).draw(torch.arange(N), generator())
    changed = (x != plain).any(1)
    assert (x.movedim(1, -1)[changed] == 0).all()
    for item in range(N):
        rows, columns = changed[item].any(1).nonzero(), changed[item].any(0).nonzero()
        assert 2 <= len(rows) <= 3
        assert 2 <= len(columns) <= 3
        assert int(changed[item].sum()) == len(rows) * len(columns)


def test_a_time_shift_repeats_the_outermost_frame() -> None:
    data = task()
    plain = data.standardise(data.train.x)
    x, _ = TrainingInputs(data, Augmentation(time_shift=2)).draw(torch.arange(N).repeat(10), generator())
    shifts = set()
    for item in range(10 * N):
        source = plain[item % N]
        options = {s: source[:, (torch.arange(H) + s).clamp(0, H - 1)] for s in range(-2, 3)}
        (shift,) = [s for s, option in options.items() if torch.equal(option, x[item])]
        shifts.add(shift)
    assert shifts == {-2, -1, 0, 1, 2}


def test_noisy_copies_stand_in_for_the_clean_inputs() -> None:
    data = task(copies=3)
    inputs = TrainingInputs(data, Augmentation())
    x, y = inputs.draw(torch.zeros(400, dtype=torch.long), generator())
    shift = (x - data.standardise(data.train.x)[0])[:, 0, 0, 0] * data.std[0] / 1000
    counts = torch.bincount(shift.round().long(), minlength=4)
    assert len(counts) == 4
    assert int(counts.min()) > 60
    assert (y == 0).all()
    torch.testing.assert_close(inputs.spread(4), data.standardise(data.train.x)[::3])


def test_equal_seeds_give_equal_batches() -> None:
    inputs = TrainingInputs(task(copies=1), Augmentation(crop=1, flip=True, cutout=2, time_shift=1))
    index = torch.arange(N)
    assert torch.equal(inputs.draw(index, generator())[0], inputs.draw(index, generator())[0])


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        (Augmentation(crop=5), r"`crop < 5` must hold for inputs of 6 x 5 .*, got 5"),
        (Augmentation(cutout=6), "`cutout < 6` must hold"),
        (Augmentation(time_shift=7), "`time_shift < 6` must hold"),
    ],
)
def test_ranges_that_do_not_fit(augmentation, message) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingInputs(task(), augmentation)
