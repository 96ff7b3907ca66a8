"""Folders of made-up images and sounds, and the tasks that are read from them."""

import io
import wave
from pathlib import Path

import numpy as np
from PIL import Image

from analognas.config.loader import load_config
from analognas.tasks import Task


def image(path: Path, value: int, size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 2 * value, 0)).save(path)


def wav(samples: np.ndarray, rate: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def tone(path: Path, hertz: float, rate: int = 16_000, seconds: float = 0.3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 8000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    samples += 500 * np.random.default_rng(int(hertz)).standard_normal(len(samples))
    path.write_bytes(wav(samples, rate))


def images(root: Path, n: int = 10, size: tuple[int, int] = (6, 4)) -> Path:
    for label, name in enumerate(("cat", "dog")):
        for index in range(n):
            image(root / name / f"{index}.png", 100 * label + index, size)
    return root


def sounds(root: Path, speakers: int = 5, takes: int = 4) -> Path:
    for label, name in enumerate(("high", "low")):
        for speaker in range(speakers):
            for take in range(takes):
                tone(root / name / f"s{speaker}_{take}.wav", (2000, 300)[label] + 10 * speaker + take)
    return root


def load(folder: Path, text: str) -> Task:
    (folder / "search.yaml").write_text(f"task: {{{text}}}\n")
    return load_config(folder / "search.yaml")[0].task.build()
