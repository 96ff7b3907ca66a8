"""The handwritten digits bundled with scikit-learn: 1,797 real 8 × 8 images in ten classes.

Reference: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
1998, doi:10.24432/C50P49 (the test part of that set). Values are the integers 0 to 16.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analognas.tasks.assemble import make_task
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Task

SPLIT_SEED: Final = 2305_10459
FRACTIONS: Final = (0.6, 0.2, 0.2)


def load_digits() -> Task:
    """Return the digits in a fixed stratified split of 60 % training, 20 % validation and 20 % test."""
    from sklearn.datasets import load_digits as load_bunch

    x, y = load_bunch(return_X_y=True)
    images = np.asarray(x, dtype=np.float32).reshape(-1, 1, 8, 8)
    labels = np.asarray(y, dtype=np.int64)
    parts = stratified_indices(labels, FRACTIONS, SPLIT_SEED)
    return make_task("digits", images, labels, parts, [str(digit) for digit in range(10)])
