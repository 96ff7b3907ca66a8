"""Knowledge distillation: an analog network learns from its digital original.

    L = s T² KL(softmax(z_teacher / T) ‖ softmax(z / T)) + (1 - s) cross-entropy(z, y)

References:
    Hinton, Vinyals, Dean, Distilling the knowledge in a neural network, arXiv 1503.02531, 2015.
    Rasch et al., Nat. Commun. 14:5282, 2023 (T = 10, 75 % from the teacher).
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from hwsim.arguments import number, require
from hwsim.inputs import check_classes, labels


def distillation_loss(
    logits: torch.Tensor,
    teacher_logits: torch.Tensor,
    y: torch.Tensor,
    *,
    temperature: float = 10.0,
    teacher_share: float = 0.75,
) -> torch.Tensor:
    """Return the mean loss of a batch.

    Args:
        logits: `(batch, classes)` of the network that learns, or `(batch, classes, steps)`.
        teacher_logits: the same of the digital network; no gradient flows into it.
        y: `(batch,)` int64 classes, or `(batch, steps)`.
        temperature: softens both distributions.
        teacher_share: weight of the teacher against the labels, 0 to 1.

    Raises:
        ValueError: for a temperature that is not positive, a share outside 0 to 1, shapes that differ, an
            empty batch, or classes that the logits do not have.
        TypeError: for an argument of another type.
    """
    temperature = number("temperature", temperature, above=0)
    teacher_share = number("teacher_share", teacher_share, least=0, most=1)
    for name, value in (("logits", logits), ("teacher_logits", teacher_logits), ("y", y)):
        require(value, torch.Tensor, f"`{name}` must be a tensor")
    if logits.ndim not in (2, 3):
        raise ValueError(
            f"`logits` must be `(batch, classes)` or `(batch, classes, steps)`, got {tuple(logits.shape)}"
        )
    if logits.shape != teacher_logits.shape:
        both = f"{tuple(logits.shape)} and {tuple(teacher_logits.shape)}"
        raise ValueError(f"`logits` and `teacher_logits` must have the same shape, got {both}")
    if logits.ndim == 3:
        if y.shape != (len(logits), logits.shape[2]):
            raise ValueError(
                f"`y` must be `(batch, steps)`, {(len(logits), logits.shape[2])}, got {tuple(y.shape)}"
            )
        logits, teacher_logits, y = logits.mT.flatten(0, 1), teacher_logits.mT.flatten(0, 1), y.flatten()
    classes = labels(y, len(logits), "logits").to(logits.device)
    check_classes(classes, logits.shape[1])
    soft = F.kl_div(
        F.log_softmax(logits / temperature, 1),
        F.log_softmax(teacher_logits.detach() / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    return teacher_share * temperature**2 * soft + (1 - teacher_share) * F.cross_entropy(logits, classes)
