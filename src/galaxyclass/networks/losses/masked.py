"""Losses that leave out unknown targets: NaN among fractions and numbers, -1 among classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from galaxyclass.networks.losses.focal import EPS, focal
from galaxyclass.recipes.recipe import Loss, Training
from galaxyclass.tasks.task import Task

#: (raw outputs, predictions, targets) -> mean over the known targets, a scalar.
LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


def resolve_loss(loss: Loss, task: Task | type[Task]) -> Loss:
    """The loss that ``auto`` stands for, or the recipe's own where it suits the task.

    Examples
    --------
    >>> from galaxyclass.tasks.kinds import TASKS
    >>> resolve_loss("auto", TASKS["votes"]), resolve_loss("mse", TASKS["classes"])
    ('mse', 'cross_entropy')
    """
    return loss if loss in task.losses else task.losses[0]


def build_loss(training: Training, task: Task) -> LossFunction:
    """The loss function of a recipe.

    Parameters
    ----------
    training : Training
        The recipe's section, with its loss resolved.
    task : Task
        What is learnt: the shares of classes are for balanced weights, the scales of numbers for
        errors in standard deviations.

    Returns
    -------
    LossFunction
        Of the raw outputs and the predictions ``(galaxies, outputs)``, and the targets:
        ``(galaxies, outputs)`` fractions or numbers, NaN unknown; or ``(galaxies,)`` classes, -1
        unknown.
        The mean over the known targets; 0 where none is known.
    """
    return LOSSES[training.loss](training, task)


def _class_weights(training: Training, task: Task) -> Tensor | None:
    """(classes,) weights, if the recipe wants balanced ones."""
    if training.class_weights == "balanced" and task.class_shares is not None:
        return balanced_weights(task.class_shares)
    return None


def balanced_weights(shares: Sequence[float]) -> Tensor:
    """(classes,) float32: the inverse of each class's share, with a mean of 1 over the galaxies.

    A class without galaxies has weight 0.

    Examples
    --------
    >>> balanced_weights([0.5, 0.25, 0.25]).tolist()
    [0.6666666865348816, 1.3333333730697632, 1.3333333730697632]
    """
    values = torch.tensor(shares, dtype=torch.float32)
    present = int((values > 0).sum())
    return torch.where(values > 0, 1 / (present * values.clamp(min=1e-12)), 0.0)


def mse(_raw: Tensor, predictions: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error over the known fractions."""
    known = ~targets.isnan()
    error = torch.where(known, predictions - targets.nan_to_num(), 0.0)
    return error.square().sum() / known.sum().clamp(min=1)


def bce(_raw: Tensor, predictions: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy over the known fractions."""
    known = ~targets.isnan()
    values = functional.binary_cross_entropy(
        predictions.clamp(EPS, 1 - EPS), targets.nan_to_num(), reduction="none"
    )
    return torch.where(known, values, 0.0).sum() / known.sum().clamp(min=1)


def huber(raw: Tensor, targets: Tensor, scales: tuple[Tensor, Tensor], delta: float) -> Tensor:
    """Mean Huber loss over the known numbers, in standard deviations of the training galaxies.

    Parameters
    ----------
    raw : (galaxies, outputs) float
        The raw outputs, in standard deviations from the mean: before they are limited, so that
        a prediction beyond a limit is still corrected.
    targets : (galaxies, outputs) float
        NaN unknown.
    scales : tuple of (outputs,) float
        Mean and standard deviation.
    delta : float
        Squared below so many standard deviations, linear above (Huber 1964, *Annals of
        Mathematical Statistics* 35, 73).

    Examples
    --------
    >>> scales = torch.tensor([4.0]), torch.tensor([2.0])
    >>> targets = torch.tensor([[6.0], [10.0], [torch.nan]])
    >>> huber(torch.zeros(3, 1), targets, scales, delta=1.0).item()  # 1/2 and 3 - 1/2
    1.5
    """
    mean, spread = (each.to(raw.device, non_blocking=raw.is_cuda) for each in scales)
    known = ~targets.isnan()
    standardised = torch.where(known, (targets - mean) / spread, 0.0)
    values = functional.huber_loss(raw.float(), standardised, reduction="none", delta=delta)
    return torch.where(known, values, 0.0).sum() / known.sum().clamp(min=1)


def dirichlet_multinomial(
    concentrations: Tensor, counts: Tensor, groups: Sequence[slice]
) -> Tensor:
    """Mean negative log-probability of the votes for a question, given how many answered it.

    Parameters
    ----------
    concentrations : (galaxies, answers) float, above 0
        Of the Dirichlet distribution of each question.
    counts : (galaxies, answers) float
        Votes; NaN unknown.
    groups : sequence of slice
        The answers of each question.

    Returns
    -------
    () float
        0 or more: the mean over the questions of all galaxies that somebody answered.

    Notes
    -----
    Walmsley et al. 2022, MNRAS 509, 3966, equations 1 and 2; questions are independent, given how
    many people were led to each.

    Examples
    --------
    >>> uniform, votes = torch.ones(1, 2), torch.tensor([[3.0, 1.0]])
    >>> round(dirichlet_multinomial(uniform, votes, [slice(0, 2)]).exp().item(), 4)
    5.0
    """
    total, questions = concentrations.new_zeros(()), concentrations.new_zeros(())
    for where in groups:
        a, k = concentrations[:, where].float(), counts[:, where]
        votes = k.sum(dim=1)
        answered = votes > 0  # NaN is not
        k = torch.where(answered[:, None], k, 0.0)
        n, sums = k.sum(dim=1), a.sum(dim=1)
        of_answers = torch.lgamma(k + a) - torch.lgamma(a) - torch.lgamma(k + 1)
        log_probability = (
            torch.lgamma(n + 1)
            + torch.lgamma(sums)
            - torch.lgamma(n + sums)
            + of_answers.sum(dim=1)
        )
        total = total - torch.where(answered, log_probability, 0.0).sum()
        questions = questions + answered.sum()
    return total / questions.clamp(min=1)


def cross_entropy(raw: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """Cross-entropy of classes from the raw outputs, each galaxy weighted by its class."""
    values = functional.cross_entropy(raw.float(), targets, ignore_index=-1, reduction="none")
    return _mean_of_known(values, targets, weights)


def focal_of_classes(
    predictions: Tensor, targets: Tensor, alpha: float, gamma: float, weights: Tensor | None
) -> Tensor:
    """Focal loss averaged over galaxies and classes, each galaxy weighted by its class."""
    one_hot = functional.one_hot(targets.clamp(min=0), predictions.shape[1]).float()
    values = focal(predictions, one_hot, alpha, gamma).mean(dim=1)
    return _mean_of_known(values, targets, weights)


def _mean_of_known(values: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    known = targets >= 0
    if weights is not None:
        weights = weights.to(values.device, non_blocking=values.is_cuda)
        values = values * weights[targets.clamp(min=0)]
    return torch.where(known, values, 0.0).sum() / known.sum().clamp(min=1)


def _build_cross_entropy(training: Training, task: Task) -> LossFunction:
    weights = _class_weights(training, task)
    return lambda raw, _predictions, targets: cross_entropy(raw, targets, weights)


def _build_focal(training: Training, task: Task) -> LossFunction:
    alpha, gamma = training.focal_alpha, training.focal_gamma
    weights = _class_weights(training, task)
    return lambda _raw, predictions, targets: focal_of_classes(
        predictions, targets, alpha, gamma, weights
    )


def _build_huber(training: Training, task: Task) -> LossFunction:
    mean, spread = (torch.tensor(each, dtype=torch.float32) for each in task.output_scales)
    return lambda raw, _predictions, targets: huber(
        raw, targets, (mean, spread), training.huber_delta
    )


def _build_dirichlet_multinomial(_training: Training, task: Task) -> LossFunction:
    tree = task.decision_tree
    assert tree is not None, "counts are of a tree"
    return lambda _raw, predictions, targets: dirichlet_multinomial(
        predictions, targets, tree.slices
    )


#: Name -> from a recipe's settings and the task to the loss function.
LOSSES: dict[str, Callable[[Training, Task], LossFunction]] = {
    "mse": lambda _training, _task: mse,
    "bce": lambda _training, _task: bce,
    "cross_entropy": _build_cross_entropy,
    "focal": _build_focal,
    "huber": _build_huber,
    "dirichlet_multinomial": _build_dirichlet_multinomial,
}
