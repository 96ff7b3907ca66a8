import numpy as np
import pytest
import torch

import hwsim
from hwsim.noise import POOL_SIZE, SEGMENT, NoisePool, NoiseStream, offsets


def _read(pool: NoisePool, key: int, first_image: int, shape: tuple[int, int, int]) -> torch.Tensor:
    return NoiseStream(pool, key, first_image).like(torch.empty(shape), channel_dim=-1)


@pytest.fixture(scope="module")
def pool() -> NoisePool:
    return NoisePool(torch.Generator().manual_seed(0))


def test_what_is_read_is_standard_normal_and_uncorrelated(pool: NoisePool) -> None:
    noise = _read(pool, 7, 0, (200, 30, 30)).reshape(200, -1)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)
    assert noise.std().item() == pytest.approx(1, abs=0.01)
    assert (noise**4).mean().item() == pytest.approx(3, abs=0.1)
    by_position = noise.mean(0) * 200**0.5  # over images: one standard normal number for each position
    assert by_position.std().item() == pytest.approx(1, abs=0.1)
    between_images = torch.corrcoef(noise[:40])[~torch.eye(40, dtype=torch.bool)]
    assert between_images.abs().max() < 0.2


def test_the_noise_of_an_image_does_not_depend_on_its_batch(pool: NoisePool) -> None:
    together = _read(pool, 5, 0, (10, 12, 7))
    apart = torch.cat([_read(pool, 5, 0, (4, 12, 7)), _read(pool, 5, 4, (6, 12, 7))])
    assert torch.equal(together, apart)
    assert not torch.equal(together, _read(pool, 6, 0, (10, 12, 7)))


def test_images_longer_than_a_segment_and_pixels_longer_than_the_pool_are_served(pool: NoisePool) -> None:
    long = _read(pool, 5, 0, (2, 5000, 16))
    assert long.shape == (2, 5000, 16)
    assert not torch.equal(long[0, :1024], long[0, 1024:2048])
    wide = NoisePool(torch.Generator().manual_seed(0), longest=POOL_SIZE + 3)
    assert _read(wide, 5, 0, (1, 2, POOL_SIZE + 3)).std().item() == pytest.approx(1, abs=0.01)
    assert len(pool.values) == POOL_SIZE + SEGMENT


def test_inputs_of_very_many_groups_have_noise() -> None:
    hardware = hwsim.preset("pcm-analognas").replace({"mvm.input_noise": 0.02})
    net = hwsim.to_analog(torch.nn.Conv1d(40_000, 100, 1, groups=100), hardware)
    x = torch.randn(100, 40_000, 1, generator=torch.Generator().manual_seed(0))
    hwsim.calibrate(net, [x])
    with hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0)).step(), torch.no_grad():
        assert net(x).isfinite().all()


def test_offsets_cover_the_pool_evenly() -> None:
    counts, _ = np.histogram(offsets(3, 0, 20_000, 4), bins=16, range=(0, POOL_SIZE))
    assert counts == pytest.approx(np.full(16, 5000), rel=0.06)


def test_noise_is_numbered_channels_last_whatever_the_layout(pool: NoisePool) -> None:
    stream = NoiseStream(pool, key=9)
    image = stream.like(torch.empty(3, 4, 5, 6), channel_dim=-3)
    assert torch.equal(image.permute(0, 2, 3, 1).reshape(3, 30, 4), _read(pool, 9, 0, (3, 30, 4)))
    assert stream.child(0).key != stream.child(1).key
