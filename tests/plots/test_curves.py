"""Learning curves: what the legend says of the epoch that was kept."""

from __future__ import annotations

import pytest

from galaxyclass.tasks.metric import ACCURACY, RMSE, Metric

pytest.importorskip("matplotlib")

FULL_SIZE = "only epochs with cutouts of full size are compared"


@pytest.mark.parametrize(
    ("metric", "scores", "kept", "is_explained"),
    [
        (RMSE, [0.1, 0.3, 0.2], 2, True),  # the first was of smaller cutouts
        (RMSE, [0.3, 0.1, 0.2], 1, False),
        (ACCURACY, [0.9, 0.7, 0.8], 2, True),
        (ACCURACY, [0.7, 0.8, 0.9], 2, False),
    ],
)
def test_why_another_epoch_than_the_best_was_kept(
    metric: Metric, scores: list[float], kept: int, *, is_explained: bool
) -> None:
    from galaxyclass.plots.curves import curves

    history = [
        {
            "epoch": float(epoch),
            **{f"{part}_{metric.key}": score for part in ("train", "validation")},
            **{f"{part}_loss": 1.0 - epoch / 10 for part in ("train", "validation")},
        }
        for epoch, score in enumerate(scores)
    ]
    figure = curves(history, metric, kept_epoch=kept)
    legends = [axes.get_legend() for axes in figure.axes]
    texts = [
        " ".join(text.get_text() for text in legend.get_texts()) for legend in legends if legend
    ]
    assert (FULL_SIZE in texts[0]) == is_explained
    assert (f"chosen by {metric.label}" in texts[1]) == (kept != len(scores) - 1)
