"""Do probabilities mean what they say? Reliability by bins, and calibration error before and after the temperature.

The temperature that judges a conversation is fitted on the others (conversations dealt out in two halves, say), so that
nothing is measured on what it was fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.calibration import QuestionCalibration
from models.errors import InputError
from models.metrics import BINS, Scored, calibration_error, interval, log_loss
from retrain.calibrate import fit_temperature
from retrain.judged import Judged, scored
from retrain.picture import save_figure

LEAST_CONVERSATIONS = 5
BEFORE, AFTER = "#8a8a8a", "#2166ac"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Decisions of like confidence: their mean confidence (of the likelier answer), the share that is right, mass."""

    confidence: float
    right: float
    share: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """Probabilities before or after: calibration error with its 95 % interval over conversations, log loss, bins."""

    ece: float
    ece_interval: tuple[float, float] | None
    log_loss: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """One question's reliability at temperature 1 and at temperatures fitted on other conversations."""

    question: str
    labels: int
    conversations: int
    temperatures: tuple[float, ...]
    before: Half
    after: Half


def reliability(rows: Judged, folds: int, seed: int) -> Reliability:
    """Cross-fit the temperature over ``folds`` parts of whole conversations; raises InputError with fewer."""
    fold = deal(rows.conversations, folds)
    temperatures = []
    warmed = rows.scores.copy()
    for number in range(folds):
        others, held = fold != number, fold == number
        temperature = fit_temperature(rows.scores[others], rows.gold[others], rows.weight[others])
        temperatures.append(temperature)
        warmed[held] = rows.scores[held] / temperature
    after = Judged(
        question=rows.question,
        scores=warmed,
        gold=rows.gold,
        weight=rows.weight,
        conversations=rows.conversations,
        ids=rows.ids,
    )
    plain = QuestionCalibration(version=rows.question.version)
    columns = scored(rows, plain)
    return Reliability(
        question=rows.question.id,
        labels=len(columns.gold),
        conversations=len(set(rows.conversations)),
        temperatures=tuple(temperatures),
        before=_half(columns, seed),
        after=_half(scored(after, plain), seed),
    )


def deal(conversations: Sequence[str], folds: int) -> NDArray[np.int64]:
    """Deal conversations out, largest first, each to the part with fewest rows so far; a part's number for each row."""
    names, sizes = np.unique(np.array(conversations, dtype=object), return_counts=True)
    if len(names) < folds:
        raise InputError(f"rows of {len(names)} conversation(s) cannot be parted in {folds}; give more conversations")
    filled, part = np.zeros(folds), {}
    for place in np.argsort(-sizes, kind="stable").tolist():
        part[names[place]] = int(filled.argmin())
        filled[filled.argmin()] += sizes[place]
    return np.array([part[name] for name in conversations], dtype=np.int64)


def bins(s: Scored) -> tuple[Bin, ...]:
    """The bins of ``calibration_error`` that hold anything."""
    confidence = np.maximum(s.positive, 1 - s.positive)
    right = ((s.positive >= 0.5) == (s.gold > 0.5)).astype(np.float64)
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in np.unique(place):
        rows = place == number
        mass = s.weight[rows]
        found.append(
            Bin(
                confidence=float(np.average(confidence[rows], weights=mass)),
                right=float(np.average(right[rows], weights=mass)),
                share=float(mass.sum() / s.weight.sum()),
                count=int(rows.sum()),
            )
        )
    return tuple(found)


def draw_reliability(found: Sequence[Reliability], path: Path) -> Path:
    """Draw a panel for each question into a PNG, written aside and renamed; raises ExportError."""
    figure = Figure(figsize=(5.2 * len(found), 5.0), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for number, one in enumerate(found, start=1):
        axes = figure.add_subplot(1, len(found), number)
        axes.plot([0.5, 1], [0.5, 1], color="black", linewidth=0.8, linestyle=":", label="what is said is so")
        for half, colour, told in ((one.before, BEFORE, "temperature 1"), (one.after, AFTER, "fitted elsewhere")):
            axes.plot(
                [b.confidence for b in half.bins],
                [b.right for b in half.bins],
                color=colour,
                marker="o",
                label=f"{told}: ECE {half.ece:.3f}",
            )
        axes.set_xlim(0.49, 1.01)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("probability given to the likelier answer")
        axes.set_ylabel("share of it that is right")
        axes.set_title(f"{one.question}: {one.labels} labels, {one.conversations} conversations", fontsize=10)
        axes.legend(fontsize=8, loc="lower right")
    return save_figure(figure, path)


def _half(s: Scored, seed: int) -> Half:
    enough = len(np.unique(s.cluster)) >= LEAST_CONVERSATIONS
    return Half(
        ece=calibration_error(s),
        ece_interval=interval(calibration_error, s, np.random.default_rng(seed)) if enough else None,
        log_loss=log_loss(s),
        bins=bins(s),
    )
