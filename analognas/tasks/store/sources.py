"""The data sets that can be fetched: where from, what they must hash to, and under which licence they are.

Sizes and SHA-256 are those of the official files. References are in the files that read them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analognas.errors import UserError
from analognas.tasks.store.places import VARIABLE, data_folder, find


@dataclass(frozen=True)
class Download:
    """One file.

    Attributes:
        url: the official place.
        file: its name in the folder of the data set.
        size: bytes.
        sha256: of the whole file, hexadecimal.
    """

    url: str
    file: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """One data set.

    Attributes:
        name: in a configuration, and of its folder.
        summary: what it is.
        licence: under which its owner gives it.
        downloads: its files.
        copies: other layouts that the loader reads, relative to `$ANALOGNAS_DATA`.
    """

    name: str
    summary: str
    licence: str
    downloads: tuple[Download, ...]
    copies: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(download.size for download in self.downloads)

    def files(self) -> tuple[Path, ...] | None:
        """Return the downloaded files, None unless all are there."""
        found = tuple(find(f"{self.name}/{download.file}") for download in self.downloads)
        return None if None in found else tuple(path for path in found if path is not None)

    def copy(self) -> Path | None:
        """Return a copy in another layout, None where there is none."""
        return find(*self.copies)

    def missing(self) -> UserError:
        """Return the error that says how to get the data."""
        return UserError(
            f"the data of {self.name} are not on this machine{_wrong_variable()}; get them with "
            f"`analognas data fetch {self.name}` ({self.size / 1e6:,.0f} MB), "
            f"or {self.by_hand(data_folder() / self.name)}"
        )

    def by_hand(self, folder: Path) -> str:
        """Return what to do without a connection: which files `folder` lacks."""
        lacking = [download.file for download in self.downloads if not (folder / download.file).exists()]
        return f"put {', '.join(lacking)} into {folder}"


def _wrong_variable() -> str:
    copies = os.environ.get(VARIABLE)
    return f" (${VARIABLE} is {copies}, which is no folder)" if copies and not Path(copies).is_dir() else ""


_FASHION: Final = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
_SPEECH: Final = "https://storage.googleapis.com/download.tensorflow.org/data"
_CHAR_RNN: Final = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare"
_SILABS: Final = "https://www.silabs.com/public/files/github/machine_learning/benchmarks/datasets"
_FSDD: Final = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip"

SOURCES: Final[Mapping[str, Source]] = {
    source.name: source
    for source in (
        Source(
            "fsdd",
            "Free Spoken Digit Dataset: 3,000 recordings of ten digits by six speakers, 8 kHz",
            "CC BY-SA 4.0, Zohar Jackson et al.",
            (
                Download(
                    _FSDD,
                    "free-spoken-digit-dataset-1.0.10.zip",
                    16_419_872,
                    "c680098f5d2355ba7cc4bd8b0ca9e0a24c00ebe3b4c552208889a4d28d4fbc2b",
                ),
            ),
            copies=("fsdd/fsdd_8khz.npz",),
        ),
        Source(
            "speech-commands",
            "Speech Commands v0.02: 105,829 one-second recordings of 35 words, 16 kHz, and the official test set",
            "CC BY 4.0, Pete Warden / Google",
            (
                Download(
                    f"{_SPEECH}/speech_commands_v0.02.tar.gz",
                    "speech_commands_v0.02.tar.gz",
                    2_428_923_189,
                    "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
                ),
                Download(
                    f"{_SPEECH}/speech_commands_test_set_v0.02.tar.gz",
                    "speech_commands_test_set_v0.02.tar.gz",
                    112_563_277,
                    "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
                ),
            ),
            copies=("speech_commands_v2_test/derived_logmel_all4890.npz",),
        ),
        Source(
            "cifar10",
            "CIFAR-10: 60,000 colour images of 32 x 32 in ten classes",
            "none stated; cite Krizhevsky 2009",
            (
                Download(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "cifar-10-binary.tar.gz",
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ),
            ),
            copies=("cifar10_jpeg/cifar10_jpeg.npz",),
        ),
        Source(
            "fashion-mnist",
            "Fashion-MNIST: 70,000 grey images of clothes, 28 x 28, in ten classes",
            "MIT, Zalando SE",
            (
                Download(
                    f"{_FASHION}/train-images-idx3-ubyte.gz",
                    "train-images-idx3-ubyte.gz",
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                Download(
                    f"{_FASHION}/train-labels-idx1-ubyte.gz",
                    "train-labels-idx1-ubyte.gz",
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                ),
                Download(
                    f"{_FASHION}/t10k-images-idx3-ubyte.gz",
                    "t10k-images-idx3-ubyte.gz",
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                Download(
                    f"{_FASHION}/t10k-labels-idx1-ubyte.gz",
                    "t10k-labels-idx1-ubyte.gz",
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                ),
            ),
        ),
        Source(
            "tiny-shakespeare",
            "Tiny Shakespeare: 1,115,394 characters of plays, 65 symbols, for character language models",
            "public domain",
            (
                Download(
                    f"{_CHAR_RNN}/input.txt",
                    "input.txt",
                    1_115_394,
                    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                ),
            ),
            copies=("text/tiny_shakespeare.txt",),
        ),
        Source(
            "visual-wake-words",
            "Visual Wake Words as MLPerf Tiny prepares it: 109,620 colour images of 96 x 96, person or not",
            "COCO 2014: annotations CC BY 4.0, images under the Flickr licence of each",
            (
                Download(
                    f"{_SILABS}/vw_coco2014_96.tar.gz",
                    "vw_coco2014_96.tar.gz",
                    234_810_765,
                    "f8746b9e44f8a7a4293f73be9ba6e8da9239fe69798d42364aae62b915cfab58",
                ),
            ),
        ),
    )
}
"""Every data set that `analognas data fetch` knows, by name."""
