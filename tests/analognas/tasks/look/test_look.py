"""What a first look at own data says of the options that suit them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analognas.errors import UserError
from analognas.tasks.look import look_at


def pictures(root: Path, sizes: list[tuple[int, int]], *, grey: bool = False, n: int = 6) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(n):
            height, width = sizes[number % len(sizes)]
            pixels = rng.integers(256, size=(height, width, 3), dtype=np.uint8)
            pixels = pixels[:, :, :1].repeat(3, axis=2) if grey else pixels
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def values(kind: str, path: Path) -> dict[str, object]:
    return {key: value for key, (value, _) in look_at(kind, path).options.items()}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(32, 32)], {}),
        ([(28, 40)], {}),
        ([(80, 80)], {"size": [32, 32], "resize": "crop"}),
        ([(240, 320), (300, 300)], {"size": [48, 48], "resize": "crop"}),
        ([(200, 600), (210, 620)], {"size": [48, 48], "resize": "squash"}),
        ([(20, 24), (24, 20)], {"size": [32, 32], "resize": "crop"}),
    ],
)
def test_sizes_of_images(tmp_path: Path, sizes: list[tuple[int, int]], expected: dict[str, object]) -> None:
    assert values("image-folder", pictures(tmp_path / "images", sizes)) == expected


def test_images_without_colours(tmp_path: Path) -> None:
    assert values("image-folder", pictures(tmp_path / "images", [(16, 16)], grey=True)) == {"colour": "grey"}


def test_a_file_that_is_no_image_is_not_looked_at(tmp_path: Path) -> None:
    root = pictures(tmp_path / "images", [(32, 32)])
    (root / "cat" / "broken.png").write_bytes(b"no image")
    assert values("image-folder", root) == {}
    for file in root.rglob("*.png"):
        file.write_bytes(b"no image")
    with pytest.raises(UserError, match="none of 13 images can be read"):
        look_at("image-folder", root)


def recordings(root: Path, names: list[str], rate_hz: int = 8000, ms: int = 500) -> Path:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(file), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(rate_hz)
            sound.writeframes(bytes(2 * rate_hz * ms // 1000))
    return root


def test_recordings_with_speakers_in_their_names(tmp_path: Path) -> None:
    names = [
        f"{word}/{word}_{who}_{take}.wav" for word in "ab" for who in ("ann", "bo", "cy") for take in range(3)
    ]
    assert values("wav-folder", recordings(tmp_path / "sounds", names)) == {
        "rate_hz": 8000,
        "front_end": {"clip_ms": 500},
        "speaker": "_([^_]+)_",
        "noise": {"copies": 6, "speed": [0.85, 1.18]},
    }


def test_numbers_in_names_are_no_speakers(tmp_path: Path) -> None:
    names = [f"{word}/clip_{number}_x.wav" for word in "ab" for number in range(9)]
    found = values("wav-folder", recordings(tmp_path / "sounds", names, rate_hz=44100, ms=90))
    assert found == {"rate_hz": 16000, "front_end": {"clip_ms": 200}}


def test_many_recordings_have_fewer_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analognas.tasks.look.sound.MANY", 17)
    names = [
        f"{word}/{word}_{who}_{take}.wav" for word in "ab" for who in ("ann", "bo", "cy") for take in range(3)
    ]
    assert values("wav-folder", recordings(tmp_path / "sounds", names))["noise"]["copies"] == 2


def test_shapes_of_arrays(tmp_path: Path) -> None:
    y = np.arange(6) % 2
    rows, images, last = tmp_path / "rows.npz", tmp_path / "images.npz", tmp_path / "last.npz"
    np.savez(rows, x=np.zeros((6, 490)), y=y)
    np.savez(images, x=np.zeros((6, 8, 8)), y=y)
    np.savez(last, x=np.zeros((6, 8, 8, 3)), y=y)
    assert values("arrays", rows) == {"input_shape": [1, 35, 14]}
    assert values("arrays", images) == {}
    assert values("arrays", last) == {"layout": "channels-last"}


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("digits", "x", "data of your own have `--task` image-folder, wav-folder, arrays, got 'digits'"),
        ("image-folder", "x", "there is no such file or folder"),
        ("image-folder", "file.npz", "`image-folder` needs a folder"),
        ("wav-folder", "file.npz", "`wav-folder` needs a folder"),
        ("arrays", "file.npz", "needs `x` and `y`, or `x_train` and others, holds"),
    ],
)
def test_unusable_data(tmp_path: Path, kind: str, name: str, message: str) -> None:
    np.savez(tmp_path / "file.npz", z=np.zeros(3))
    with pytest.raises(UserError, match=message):
        look_at(kind, tmp_path / name)
