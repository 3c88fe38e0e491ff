"""The ladder as a picture: agreement with the labels over model size, vanilla and tuned."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from models.errors import ExportError
from models.evidence import Outcome
from models.replacement import replacing
from retrain.judged import scored
from retrain.scaling.ladder import Ladder
from retrain.scaling.setback import Setback
from retrain.trend import RungScore, majority, prior, rung_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE = "ladder.png"
"""The picture's name in a candidate's folder."""
COLOURS = {Outcome.PASS: "#1b7837", Outcome.FAIL: "#b2182b", Outcome.INCONCLUSIVE: "#a6611a"}
VANILLA, TUNED, BASELINE = "#8a8a8a", "#2166ac", "#b2182b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One question's row of the picture: the rungs vanilla and tuned, and what needs no model at all.

    ``majority`` is the macro-F1 of the commoner answer, ``prior`` the mean log-probability (nats) of the label under
    the labels' own rates.
    """

    question: str
    vanilla: Sequence[RungScore]
    tuned: Sequence[RungScore]
    majority: float
    prior: float
    setbacks: Sequence[Setback] = ()


def draw(panels: Sequence[Panel], outcome: Outcome | None, path: Path) -> Path:
    """Draw a row for each question into a PNG, written aside and renamed; raises ExportError."""
    figure = Figure(figsize=(11, 3.9 * len(panels) + 0.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    told = "Ladder" if outcome is None else f"Ladder: the gate says {outcome.value}"
    figure.suptitle(told, fontsize=14, color="black" if outcome is None else COLOURS[outcome])
    for row, panel in enumerate(panels):
        left = figure.add_subplot(len(panels), 2, 2 * row + 1)
        right = figure.add_subplot(len(panels), 2, 2 * row + 2)
        _plot(left, panel, "macro_f1", panel.majority, "always the commoner answer")
        _mark_setbacks(left, panel)
        left.set_ylabel("macro-F1")
        left.set_ylim(0, 1)
        _plot(right, panel, "gold", panel.prior, "the labels' own rates")
        right.set_ylabel("mean log-probability of the label (nats)")
        labels = panel.tuned[0].items if panel.tuned else panel.vanilla[0].items
        left.set_title(f"{panel.question}: {labels} labels", loc="left", fontsize=11)
        left.legend(fontsize=8, loc="lower right")
    return save_figure(figure, path)


def _mark_setbacks(axes: "Axes", panel: Panel) -> None:
    """Cross out the try that is not kept of a rung that tuning made worse, and say so in the legend."""
    sizes = {rung.rung: rung.parameters for rung in panel.tuned}
    for number, setback in enumerate(panel.setbacks):
        other = setback.tuned if setback.kept_again or setback.again is None else setback.again
        label = "a try that hurt, or helped less" if number == 0 else None
        axes.plot([sizes[setback.rung]], [other], "x", color=BASELINE, markersize=9, label=label)


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all; raises ExportError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            figure.savefig(aside, format="png")
    except OSError as error:
        raise ExportError(f"could not write {path}: {error}; nothing was changed") from error
    return path


def _plot(axes: "Axes", panel: Panel, figure: str, baseline: float, what: str) -> None:
    axes.set_xscale("log")
    for name, rungs, colour, marker in (
        ("vanilla", panel.vanilla, VANILLA, "o"),
        ("tuned, cross-fitted", panel.tuned, TUNED, "s"),
    ):
        if not rungs:
            continue
        values = [getattr(rung, figure) for rung in rungs]
        spans = [getattr(rung, f"{figure}_interval") for rung in rungs]
        below = [max(0.0, value - low) for value, (low, _) in zip(values, spans, strict=True)]
        above = [max(0.0, high - value) for value, (_, high) in zip(values, spans, strict=True)]
        # The two lines are set a little apart, or their intervals would hide each other.
        shift = 0.98 if rungs is panel.vanilla else 1.02
        sizes = [rung.parameters * shift for rung in rungs]
        axes.errorbar(sizes, values, yerr=[below, above], label=name, color=colour, marker=marker, capsize=3)
    axes.axhline(baseline, color=BASELINE, linestyle="--", linewidth=1, label=what)
    rungs = panel.vanilla or panel.tuned
    axes.xaxis.set_major_locator(FixedLocator([rung.parameters for rung in rungs]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticklabels([f"{rung.rung}\n{short_count(rung.parameters)}" for rung in rungs], fontsize=8)
    axes.set_xlabel("parameters (log scale)", fontsize=9)
    axes.grid(visible=True, alpha=0.25)


def short_count(count: int) -> str:
    """A count of parameters as people say it: 310k, 1.2M, 7.6B."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.1f}{letter}" if count < 10 * size else f"{count / size:.0f}{letter}"
    return str(count)


def panels(found: Sequence[Ladder], seed: int) -> list[Panel]:
    """Score every rung for the picture; a mixture of experts is called a reference."""
    rng = np.random.default_rng(seed)
    return [
        Panel(
            question=ladder.question.id,
            vanilla=[rung_score(*rung, rng) for rung in zip(*_named(ladder), ladder.vanilla, strict=True)],
            tuned=[rung_score(*rung, rng) for rung in zip(*_named(ladder.trained()), ladder.tuned, strict=True)],
            majority=majority(scored(ladder.vanilla[0])),
            prior=prior(ladder.vanilla[0]),
            setbacks=ladder.setbacks,
        )
        for ladder in found
        if len(ladder.vanilla[0])
    ]


def _named(ladder: Ladder) -> tuple[list[str], tuple[int, ...]]:
    flags = ladder.dense or (True,) * len(ladder.rungs)
    names = [rung if dense else f"{rung} (reference)" for rung, dense in zip(ladder.rungs, flags, strict=True)]
    return names, ladder.parameters
