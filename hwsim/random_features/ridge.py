"""The ridge classifier of the kernel paper, where it differs from scikit-learn's.

    w = (Fᵀ F + α I)⁻¹ Fᵀ y,   F = [1, z],   y in {0, 1},   class = round(clip(F w, 0, 1))

`sklearn.linear_model.RidgeClassifier` has targets of -1 and 1 and leaves the intercept out of the penalty; here it is
part of it. With more than two classes each has a column of y, and the largest output decides.

References:
    Büchel et al., Kernel approximation using analog in-memory computing, arXiv 2411.03375.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import Ridge
from sklearn.preprocessing import label_binarize
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from hwsim.arguments import number

Matrix = npt.NDArray[np.floating[Any]]


@final
class FeatureRidgeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression on targets of 0 and 1 with a penalised intercept.

    Args:
        alpha: α, not divided by the number of samples.

    Attributes:
        coef_: `(outputs, features)`; one output for two classes.
        intercept_: `(outputs,)`.
        classes_: the classes, sorted.

    Example:
        >>> classifier = FeatureRidgeClassifier().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
        >>> classifier.predict([[0.2], [2.9]]).tolist()
        [0, 1]
    """

    def __init__(self, alpha: float = 0.5) -> None:
        self.alpha = alpha

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> FeatureRidgeClassifier:
        """Solve for the weights.

        Args:
            X: `(samples, features)`, the features of a kernel.
            y: `(samples,)`, classes.

        Raises:
            ValueError: for data that scikit-learn refuses, one class alone, or `alpha` of 0 or below.
            TypeError: for an `alpha` of another type.
        """
        alpha = number("alpha", self.alpha, above=0)
        z: Matrix
        labels: npt.NDArray[Any]
        z, labels = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise ValueError(f"`y` must have at least two classes, got one class alone, {self.classes_[0]!r}")
        F = np.concatenate([np.ones((len(z), 1), np.float64), z], axis=1)
        targets = label_binarize(labels, classes=self.classes_).astype(np.float64)
        solved = Ridge(alpha, fit_intercept=False, solver="cholesky").fit(F, targets)
        weights = np.atleast_2d(solved.coef_)
        self.intercept_, self.coef_ = weights[:, 0], weights[:, 1:]
        return self

    def decision_function(self, X: npt.ArrayLike) -> Matrix:
        """Return outputs, `(samples,)` above 0 for the second of two classes, or `(samples, classes)`."""
        check_is_fitted(self)
        z: Matrix = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        scores: Matrix = z @ self.coef_.T + self.intercept_
        return scores[:, 0] - 0.5 if len(self.classes_) == 2 else scores

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the class of each row."""
        scores = self.decision_function(X)
        found: npt.NDArray[Any] = self.classes_[
            (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
        ]
        return found
