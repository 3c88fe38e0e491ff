"""The choice of labels as a picture: how learnable they are, and both losses of each, with what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.metrics import Floats
from models.selection import Why
from retrain.picture import save_figure
from retrain.selection.choice import Choice
from retrain.selection.losses import Losses
from retrain.selection.scores import learnability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    Why.KEPT: "#2166ac",
    Why.SHARE: "#bdbdbd",
    Why.DUPLICATE: "#a6611a",
    Why.EASY: "#1b7837",
    Why.HARD: "#b2182b",
    Why.MISLED: "#762a83",
}
LEAST, BINS = -1.0, 40
"""Learnability below LEAST is drawn there: tuning made the loss more than twice as large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One question's row of the picture."""

    question: str
    losses: Losses
    choice: Choice


def draw_selection(rows: Sequence[Chosen], title: str, path: Path) -> Path:
    """Draw a row for each question into a PNG, written aside and renamed; raises ExportError."""
    figure = Figure(figsize=(11, 4.0 * max(1, len(rows)) + 0.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=13)
    for place, row in enumerate(rows):
        _histogram(figure.add_subplot(len(rows), 2, 2 * place + 1), row)
        _scatter(figure.add_subplot(len(rows), 2, 2 * place + 2), row)
    return save_figure(figure, path)


def _parts(row: Chosen, values: Floats) -> list[tuple[Why, Floats]]:
    why = np.array([reason.value for reason in row.choice.why])
    return [(reason, values[why == reason.value]) for reason in Why if (why == reason.value).any()]


def _histogram(axes: "Axes", row: Chosen) -> None:
    parts = _parts(row, np.maximum(learnability(row.losses), LEAST))
    axes.hist(
        [values for _, values in parts],
        bins=list(np.linspace(LEAST, 1.0, BINS + 1)),
        stacked=True,
        color=[COLOURS[why] for why, _ in parts],
        label=[f"{why} ({len(values)})" for why, values in parts],
    )
    axes.set_title(f"{row.question}: {len(row.losses)} labels", loc="left", fontsize=11)
    axes.set_xlabel("learnability (untuned loss - tuned loss) / untuned loss")
    axes.set_ylabel("labels")
    if parts:
        axes.legend(fontsize=8)


def _scatter(axes: "Axes", row: Chosen) -> None:
    both = np.stack([row.losses.base, row.losses.reference], axis=1)
    for why, points in _parts(row, both):
        axes.scatter(points[:, 0], points[:, 1], s=7, color=COLOURS[why], label=str(why), linewidths=0)
    top = float(both.max(initial=1.0)) * 1.05
    axes.plot([0, top], [0, top], color="#8a8a8a", linewidth=0.8)  # below it the label was learned
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.set_xlabel("untuned loss, fitted (nats)")
    axes.set_ylabel("loss tuned on other conversations, fitted (nats)")
