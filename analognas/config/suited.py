"""What suits inputs in a first search: the network to beat, and how training inputs are changed at random."""

from __future__ import annotations

from typing import Final

from analognas.tasks.base_spec import Inputs

LONG: Final = 2
"""How many times as long as the other an axis of inputs is that come from sound."""

MOVED: Final = 8
"""Part of the side of an image, or of the length of a sound, that augmentation moves it by."""

LONGEST_SHIFT: Final = 5
"""Frames of 20 ms."""

SMALLEST: Final = 16
"""Pixels of the side of an image from which on it is moved."""


def reference_for(input_shape: tuple[int, int, int]) -> str:
    """Return the published network that suits inputs: DS-CNN for spectrograms, ResNet-8 for images.

    >>> reference_for((3, 32, 32)), reference_for((1, 49, 10))
    ('resnet8', 'ds-cnn')
    """
    channels, height, width = input_shape
    return "ds-cnn" if channels == 1 and max(height, width) >= LONG * min(height, width) else "resnet8"


def augmentation_for(inputs: Inputs, input_shape: tuple[int, int, int]) -> dict[str, int]:
    """Return how training inputs should be changed at random, `crop` or `time_shift`: what leaves their class as it is.

    Images are moved by an eighth of their side, sounds by 100 ms at most. Images of fewer than 16 pixels are not, where
    a pixel is much, nor is what may be no image: rows of features, other channels than one or three, spectrograms.

    >>> augmentation_for("images", (3, 32, 32)), augmentation_for("anything", (1, 5, 6))
    ({'crop': 4}, {})
    >>> augmentation_for("spectra", (1, 49, 10))
    {'time_shift': 5}
    """
    channels, height, width = input_shape
    if inputs == "spectra":
        return {"time_shift": min(LONGEST_SHIFT, height // MOVED)} if height >= MOVED else {}
    like_images = channels in (1, 3) and reference_for(input_shape) == "resnet8"
    images = inputs == "images" or (inputs == "anything" and like_images)
    return {"crop": min(height, width) // MOVED} if images and min(height, width) >= SMALLEST else {}
