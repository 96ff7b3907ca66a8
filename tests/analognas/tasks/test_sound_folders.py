"""A user's own recordings: speakers, rates, noise and copies."""

import numpy as np
import pytest

from analognas.errors import UserError
from analognas.tasks import Task
from analognas.tasks.audio.front_end import FrontEnd
from tests.analognas.tasks.made_folders import load, sounds, tone


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_noise_recordings_shorter_than_a_clip_are_said_to_be_of_no_use(tmp_path) -> None:
    sounds(tmp_path / "s")
    tone(tmp_path / "s" / "_background_noise_" / "hum.wav", 50, seconds=0.5)
    task = load(tmp_path, "kind: wav-folder, path: s, noise: {copies: 1}")
    assert task.notes == (
        "no recording in _background_noise_ is longer than a clip: the noise is pink noise",
    )
    assert not load(tmp_path, "kind: wav-folder, path: s").notes


def different(task: Task) -> list[set[bytes]]:
    """The inputs of each split, equal ones once."""
    return [{row.tobytes() for row in part.x.numpy()} for part in (task.train, task.validation, task.test)]


def test_sounds_become_features_and_speakers_stay_together(tmp_path) -> None:
    for label, name in enumerate(("high", "low")):
        for speaker in range(5):
            for take in range(4):  # all takes of a speaker are the same sound
                tone(tmp_path / "s" / name / f"s{speaker}_{take}.wav", (2000, 300)[label] + 10 * speaker)
    text = "kind: wav-folder, path: s, speaker: '^(s[0-9]+)_'"
    task = load(tmp_path, text)
    assert task.input_shape == (1, 49, 10)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [24, 8, 8]
    assert [len(part) for part in different(task)] == [6, 2, 2]
    assert len(set.union(*different(task))) == 10
    assert load(tmp_path, text).fingerprint == task.fingerprint
    mixed = different(load(tmp_path, "kind: wav-folder, path: s"))
    assert mixed[0] & mixed[2]  # so the test above would notice
    with pytest.raises(UserError, match="must find the speaker in every file name"):
        load(tmp_path, "kind: wav-folder, path: s, speaker: '^(t[0-9]+)_'")


def test_too_few_speakers_are_an_error(tmp_path) -> None:
    sounds(tmp_path / "s", speakers=2)
    with pytest.raises(UserError, match="into 3 parts needs as many speakers, got 2; split without speakers"):
        load(tmp_path, "kind: wav-folder, path: s, speaker: '^(s[0-9]+)_'")


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ({"train": "abcd", "test": "de"}, "of the training and the test split are d; move their files, or"),
        ({"train": "abcd", "val": "ca", "test": "e"}, "of the training and the validation split are a, c;"),
        ({"train": "abcd", "test": "e"}, None),
        ({"train": "ab", "val": "c", "test": "d"}, None),
    ],
)
def test_folders_of_splits_are_held_to_the_speakers_too(tmp_path, folders, message) -> None:
    for part, speakers in folders.items():
        for name, hertz in (("high", 2000), ("low", 300)):
            for speaker in speakers:
                tone(tmp_path / "s" / part / name / f"{speaker}_0.wav", hertz + ord(speaker))
    text = "kind: wav-folder, path: s, speaker: '^([a-e])_'"
    if message is None:
        assert [len(part) for part in different(load(tmp_path, text))][2] == 2
    else:
        with pytest.raises(
            UserError, match=rf"s: with `speaker`, no speaker may be in two splits; .*{message}"
        ):
            load(tmp_path, text)


def test_other_rates_are_converted(tmp_path) -> None:
    sounds(tmp_path / "s")
    plain = load(tmp_path, "kind: wav-folder, path: s, split_seed: 3")
    for file in (tmp_path / "s" / "low").iterdir():
        speaker, take = file.stem[1:].split("_")
        tone(file, 300 + 10 * int(speaker) + int(take), rate=44_100)
    converted = load(tmp_path, "kind: wav-folder, path: s, split_seed: 3")
    middle = [part.train.x[:, 0, 20:28].mean(1) for part in (plain, converted)]
    low = plain.train.y == 1
    moved = (middle[0] - middle[1])[low].abs().mean()
    apart = (middle[0][low].mean(0) - middle[0][~low].mean(0)).abs().mean()
    assert 0 < moved < 0.5 * apart


def test_noisy_copies_belong_to_their_clips(tmp_path) -> None:
    sounds(tmp_path / "s")
    tone(tmp_path / "s" / "_background_noise_" / "hum.wav", 50, seconds=2.0)
    quiet = load(tmp_path, "kind: wav-folder, path: s, noise: {copies: 2, snr_db: [60, 60]}")
    assert quiet.noisy is not None
    assert tuple(quiet.noisy.shape) == (2, *quiet.train.x.shape)
    loud = load(tmp_path, "kind: wav-folder, path: s, noise: {copies: 1, snr_db: [0, 0]}")
    assert loud.noisy is not None
    middle = quiet.train.x[:, 0, 20:28]
    distance = [float((task.noisy[0, :, 0, 20:28] - middle).abs().mean()) for task in (quiet, loud)]
    assert distance[0] < 0.1 * distance[1]
    assert (quiet.train.x == loud.train.x).all()
    nearest = [int(((quiet.noisy[0, i, 0, 20:28] - middle) ** 2).sum((1, 2)).argmin()) for i in range(8)]
    assert nearest == list(range(8))
    limited = load(tmp_path, "kind: wav-folder, path: s, max_train: 6, noise: {copies: 2, snr_db: [60, 60]}")
    assert limited.noisy is not None
    kept = [int((limited.train.x[i] == quiet.train.x).flatten(1).all(1).nonzero()[0, 0]) for i in range(6)]
    assert (limited.noisy == quiet.noisy[:, kept]).all()


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_copies_at_another_speed_sound_as_if_said_at_another_pitch(tmp_path, speed) -> None:
    for name, hertz in (("high", 2000), ("low", 300)):
        for index in range(10):
            tone(tmp_path / "s" / name / f"{index}.wav", hertz + index)
            tone(tmp_path / "pitched" / name / f"{index}.wav", speed * (hertz + index))
    task = load(
        tmp_path,
        f"kind: wav-folder, path: s, noise: {{copies: 2, snr_db: [60, 60], speed: [{speed}, {speed}]}}",
    )
    pitched = load(tmp_path, "kind: wav-folder, path: pitched").train.x[:, 0, 22:26]
    assert task.noisy is not None
    moved = (task.noisy[:, :, 0, 22:26] - pitched).abs().mean()
    recorded = (task.train.x[:, 0, 22:26] - pitched).abs().mean()
    assert moved < 0.5 * recorded
    assert (task.train.x == load(tmp_path, "kind: wav-folder, path: s").train.x).all()


def test_noise_recordings_are_found_by_any_ending_that_clips_may_have(tmp_path) -> None:
    sounds(tmp_path / "s")
    text = "kind: wav-folder, path: s, noise: {copies: 1, snr_db: [0, 0]}"
    pink = load(tmp_path, text).noisy
    hum = tmp_path / "s" / "_background_noise_" / "hum.wav"
    tone(hum, 50, seconds=2.0)
    lower = load(tmp_path, text).noisy
    hum.rename(hum.with_name("HUM.WAV"))
    upper = load(tmp_path, text).noisy
    assert pink is not None
    assert lower is not None
    assert upper is not None
    assert not (lower == pink).all()
    assert (upper == lower).all()


def test_bad_sounds_are_listed_and_left_out_up_to_the_limit(tmp_path) -> None:
    sounds(tmp_path / "s")
    whole = (tmp_path / "s" / "low" / "s0_0.wav").read_bytes()
    (tmp_path / "s" / "low" / "cut.wav").write_bytes(whole[:-999])
    (tmp_path / "s" / "high" / "text.wav").write_text("no sound")
    task = load(tmp_path, "kind: wav-folder, path: s, max_bad_files: 2")
    assert sum(len(part) for part in (task.train, task.validation, task.test)) == 40
    assert len(task.notes) == 2
    assert "cut.wav: no readable WAV file, or a truncated one" in task.notes[1]
    with pytest.raises(UserError, match="more than `max_bad_files: 1` files cannot be read"):
        load(tmp_path, "kind: wav-folder, path: s, max_bad_files: 1")


def test_another_processor_has_the_same_data_though_it_rounds_in_another_way(tmp_path, monkeypatch) -> None:
    sounds(tmp_path / "s")
    text = "kind: wav-folder, path: s, noise: {copies: 1}"
    task, exact = load(tmp_path, text), FrontEnd.features
    monkeypatch.setattr(FrontEnd, "features", lambda self, clips: exact(self, clips) * np.float32(1 + 1e-6))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    other = load(tmp_path, text)
    assert not np.array_equal(other.train.x.numpy(), task.train.x.numpy())
    assert other.fingerprint == task.fingerprint
    for changed in ("split_seed: 1", "front_end: {coefficients: 9}", "max_train: 10"):
        assert load(tmp_path, f"{text}, {changed}").fingerprint != task.fingerprint
    tone(next((tmp_path / "s" / "low").iterdir()), 1000)
    assert load(tmp_path, text).fingerprint != task.fingerprint
