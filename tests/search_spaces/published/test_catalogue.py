"""Published networks by name."""

from __future__ import annotations

import pytest

from search_spaces import published


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"`name` must be one of .*resnet8.*, got 'resnet9'"):
        published("resnet9", (3, 32, 32), 10)


def test_impossible_shapes() -> None:
    with pytest.raises(ValueError, match=r"`input_shape` must be \(channels, height, width\)"):
        published("resnet8", (3, 0, 32), 10)
    with pytest.raises(ValueError, match=r"`n_classes >= 1` must hold, got 0"):
        published("resnet8", (3, 32, 32), 0)
