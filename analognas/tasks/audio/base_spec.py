"""What the sections of all tasks of sound share: the front end, and noisy copies."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from analognas.specs.base import MismatchError, Spec
from analognas.tasks.audio.clips import Background
from analognas.tasks.audio.front_end import FrontEnd
from analognas.tasks.base_spec import Inputs, LimitedSpec

COEFFICIENTS: Final = 10
SNR_DB: Final = (5.0, 25.0)
AS_RECORDED: Final = (1.0, 1.0)

Speed = Annotated[float, Field(ge=0.5, le=2.0)]


class FrontEndSpec(Spec):
    """Spectral features; the defaults are those of MLPerf Tiny: 49 frames of 10 coefficients for a clip of 1 s."""

    features: Literal["mfcc", "log-mel"] = Field(default="mfcc", description="what a network gets to see")
    clip_ms: int = Field(default=1000, ge=50, le=60_000, description="length of a clip")
    window_ms: int = Field(default=30, ge=2, le=1000, description="length of a frame")
    hop_ms: int = Field(default=20, ge=1, le=1000, description="distance of two frames")
    mel_bands: int = Field(default=40, ge=1, le=256, description="bands of the spectrogram")
    low_hz: float = Field(default=20.0, ge=0, description="where the lowest band begins")
    high_hz: float = Field(
        default=4000.0, gt=0, description="where the highest band ends, or half the sampling rate"
    )
    coefficients: int = Field(
        default=COEFFICIENTS, ge=1, le=256, description="of the MFCC that are kept; `log-mel` has none"
    )
    peak: bool = Field(default=True, description="scale every clip to a largest magnitude of 1")

    @model_validator(mode="after")
    def _fits(self) -> FrontEndSpec:
        if self.window_ms > self.clip_ms:
            raise ValueError(f"`window_ms <= clip_ms` must hold, got {self.window_ms} > {self.clip_ms}")
        if self.low_hz >= self.high_hz:
            raise ValueError(f"`low_hz < high_hz` must hold, got {self.low_hz} and {self.high_hz}")
        # the default passes: the `config.yaml` of a run holds every default
        if self.features == "log-mel" and self.coefficients != COEFFICIENTS:
            raise MismatchError(
                f"`coefficients` are of `features: mfcc`, got {self.coefficients} with `log-mel`; leave them out, "
                "`mel_bands` sets the width of a spectrogram",
                ("coefficients",),
            )
        if self.features == "mfcc" and self.coefficients > self.mel_bands:
            raise ValueError(
                f"`coefficients <= mel_bands` must hold, got {self.coefficients} > {self.mel_bands}"
            )
        return self

    def at(self, rate_hz: int) -> FrontEnd:
        """Return the mechanism for clips of one sampling rate."""
        return FrontEnd(
            rate_hz,
            clip_ms=self.clip_ms,
            window_ms=self.window_ms,
            hop_ms=self.hop_ms,
            mel_bands=self.mel_bands,
            low_hz=self.low_hz,
            high_hz=self.high_hz,
            kind=self.features,
            coefficients=self.coefficients,
            peak=self.peak,
        )


class NoiseSpec(Spec):
    """Copies of the training clips with noise, made once; an epoch takes one of them or the clip itself."""

    copies: int = Field(
        default=0, ge=0, le=100, description="noisy copies of each training clip; 0: no noise"
    )
    snr_db: tuple[float, float] = Field(
        default=SNR_DB, description="[low, high]: the signal-to-noise ratio is drawn between them"
    )
    speed: tuple[Speed, Speed] = Field(
        default=AS_RECORDED,
        description="[low, high]: how fast a copy is played, as another voice would speak; [0.85, 1.18] for speech",
    )

    @model_validator(mode="after")
    def _ordered(self) -> NoiseSpec:
        if self.snr_db[0] > self.snr_db[1]:
            raise ValueError(f"`low <= high` must hold in `snr_db`, got {list(self.snr_db)}")
        if self.speed[0] > self.speed[1]:
            raise ValueError(f"`low <= high` must hold in `speed`, got {list(self.speed)}")
        for name, default in (("snr_db", SNR_DB), ("speed", AS_RECORDED)):
            if getattr(self, name) != default and "copies" not in self.model_fields_set:
                raise MismatchError(
                    f"`{name}` is of the copies; it needs `copies: 1` or more, or 0 for no noise", (name,)
                )
        return self


class SoundSpec(LimitedSpec):
    """What all tasks of sound share."""

    inputs: ClassVar[Inputs] = "spectra"

    front_end: FrontEndSpec = FrontEndSpec()
    noise: NoiseSpec = NoiseSpec()

    @property
    @abstractmethod
    def sampled_hz(self) -> int:
        """Sampling rate of the clips that the front end gets."""

    @model_validator(mode="after")
    def _front_end_fits(self) -> Self:
        self.front_end.at(self.sampled_hz)
        return self

    @property
    def mechanisms(self) -> tuple[FrontEnd, Background]:
        """What makes the features, and the noisy copies."""
        background = Background(self.noise.copies, self.noise.snr_db, self.noise.speed)
        return self.front_end.at(self.sampled_hz), background
