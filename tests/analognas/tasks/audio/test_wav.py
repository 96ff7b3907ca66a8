import io
import struct
import wave

import numpy as np
import pytest
from scipy.io import wavfile

from analognas.tasks.audio.wav import WavError, decode_wav, fit_length, resample

RATE = 16_000
TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(800) / RATE)


def pcm(samples: np.ndarray, bits: int, channels: int = 1, rate: int = RATE) -> bytes:
    """A file by Python's own writer."""
    whole = np.rint(samples * (2 ** (bits - 1) - 1)).astype(np.int64) + (128 if bits == 8 else 0)
    body = b"".join(int(value).to_bytes(bits // 8, "little", signed=bits > 8) for value in whole)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(body)
    return out.getvalue()


@pytest.mark.parametrize(("bits", "tolerance"), [(8, 1e-2), (16, 1e-4), (24, 1e-6), (32, 1e-6)])
def test_every_depth_gives_the_same_sound(bits: int, tolerance: float) -> None:
    samples, rate = decode_wav(pcm(TONE, bits))
    assert rate == RATE
    np.testing.assert_allclose(samples, TONE, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_files_that_scipy_writes_are_read(dtype) -> None:
    out = io.BytesIO()
    values = TONE.astype(dtype) if np.issubdtype(dtype, np.floating) else np.rint(TONE * 32767).astype(dtype)
    wavfile.write(out, RATE, values)
    np.testing.assert_allclose(decode_wav(out.getvalue())[0], TONE, atol=1e-4)


def test_channels_are_averaged() -> None:
    stereo = np.stack([TONE, np.zeros_like(TONE)], axis=1).ravel()
    np.testing.assert_allclose(decode_wav(pcm(stereo, 16, channels=2))[0], TONE / 2, atol=1e-4)


def test_an_extensible_header_and_unknown_chunks_are_read() -> None:
    body = np.rint(TONE * 32767).astype("<i2").tobytes()
    guid = b"\x01\x00" + bytes.fromhex("000000001000800000aa00389b71")  # of PCM
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, 2 * RATE, 2, 16, 22, 16, 4) + guid
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    chunks += b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    content = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
    np.testing.assert_allclose(decode_wav(content)[0], TONE, atol=1e-4)


def floats(samples: np.ndarray, kind: type = np.float32) -> bytes:
    """A file of float samples by scipy's writer."""
    out = io.BytesIO()
    wavfile.write(out, RATE, samples.astype(kind))
    return out.getvalue()


def test_float_samples_a_little_over_full_scale_are_read() -> None:
    np.testing.assert_allclose(decode_wav(floats(3 * TONE))[0], 3 * TONE, atol=1e-6)


GOOD = pcm(TONE, 16)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no readable WAV file"),
        (b"ID3" + bytes(60), "no readable WAV file"),
        (GOOD[:-100], "or a truncated one: .*EOF"),
        (GOOD[:40], "no readable WAV file"),
        (GOOD[:20] + struct.pack("<H", 0x55) + GOOD[22:], "no readable WAV file, .*MPEGLAYER3"),
        (GOOD[:22] + struct.pack("<H", 0) + GOOD[24:], "no readable WAV file"),
        (pcm(np.zeros(0), 16), "no samples"),
        (floats(32767 * TONE), r"must lie between -1 and 1, the largest is 1.638e\+04; divide by full scale"),
        (floats(np.append(TONE, np.nan)), "samples that are not finite"),
        (floats(np.array([1e300]), np.float64), "samples that are not finite"),
    ],
)
def test_what_is_no_sound_is_named(content: bytes, message: str) -> None:
    with pytest.raises(WavError, match=message):
        decode_wav(content)


def test_no_prefix_of_a_file_does_more_than_raise() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(WavError):
            decode_wav(GOOD[:length])


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_resampling_keeps_the_tone(rate: int) -> None:
    t = np.arange(rate) / rate
    samples = resample(np.sin(2 * np.pi * 440 * t).astype(np.float32), rate, RATE)
    assert len(samples) == RATE
    inside = slice(500, -500)
    expected = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    np.testing.assert_allclose(samples[inside], expected[inside], atol=5e-3)


def test_a_clip_gets_its_length() -> None:
    x = np.arange(1, 6, dtype=np.float32)
    assert fit_length(x, 3, "start").tolist() == [1, 2, 3]
    assert fit_length(x, 3, "centre").tolist() == [2, 3, 4]
    assert fit_length(x, 8, "start").tolist() == [1, 2, 3, 4, 5, 0, 0, 0]
    assert fit_length(x, 8, "centre").tolist() == [0, 1, 2, 3, 4, 5, 0, 0]
