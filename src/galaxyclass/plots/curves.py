"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from galaxyclass.plots.style import COLOURS, style
from galaxyclass.tasks.metric import Metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(
    history: Sequence[Mapping[str, float]],
    metric: Metric,
    *,
    kept_epoch: int | None = None,
    reference: tuple[str, float] | None = None,
) -> Figure:
    """Score and loss of training and validation over the epochs.

    Parameters
    ----------
    history : sequence of mappings
        A row an epoch: ``epoch``, ``train_loss``, ``validation_loss``, ``train_<score>``,
        ``validation_<score>``.
    metric : Metric
        Its key is the score.
    kept_epoch : int, optional
        The epoch whose weights were kept; marked.
    reference : (str, float), optional
        A name and a score to draw as a level line, for instance that of the mean vector.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    names = {metric.key: metric.label, "loss": "loss"}
    with style():
        figure = Figure(figsize=(13, 5.4))
        epochs = [row["epoch"] for row in history]
        for axes, quantity in zip(figure.subplots(1, 2), (metric.key, "loss"), strict=True):
            for part, colour in zip(("train", "validation"), COLOURS, strict=False):
                values = [row[f"{part}_{quantity}"] for row in history]
                label = "training (augmented)" if part == "train" else part
                marker = "o" if len(epochs) < 3 else None
                axes.plot(epochs, values, color=colour, label=label, marker=marker)
                if part == "validation" and kept_epoch is not None:
                    index = epochs.index(float(kept_epoch))
                    axes.plot(
                        epochs[index],
                        values[index],
                        "o",
                        color=colour,
                        fillstyle="none",
                        markersize=11,
                        markeredgewidth=2,
                        label=_kept(quantity, values, index, kept_epoch, metric),
                    )
            if quantity == metric.key and reference is not None:
                level = f"{reference[0]} {reference[1]:.4f}"
                axes.axhline(reference[1], color="0.4", linestyle="--", linewidth=1.5, label=level)
            axes.set_xlabel("epoch")
            axes.set_ylabel(names[quantity])
            axes.set_title(names[quantity][0].upper() + names[quantity][1:])
            axes.xaxis.get_major_locator().set_params(integer=True)
            if len(epochs) == 1:  # otherwise the axis would show parts of an epoch
                axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
                axes.set_xticks(epochs)
            # Below the axes, where no line can run through it.
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=11)
    return figure


def _kept(quantity: str, values: Sequence[float], index: int, epoch: int, metric: Metric) -> str:
    """The kept epoch in the legend, and why it is that one where another looks better."""
    label = f"kept: epoch {epoch}, {values[index]:.4f}"
    if quantity != metric.key:
        return label if values[index] <= min(values) else f"{label}; chosen by {metric.label}"
    kept = metric.error(values[index])
    if any(metric.error(value) < kept for value in values[:index]):
        return f"{label};\nonly epochs with cutouts of full size are compared"
    return label
