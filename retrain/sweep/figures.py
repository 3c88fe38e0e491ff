"""An experiment as a picture: our figures for each question, the paper's, and on a single rung the losses."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from retrain.picture import BASELINE, TUNED, short_count
from retrain.picture import VANILLA as GREY
from retrain.sweep.point import Point, smallest_first
from retrain.sweep.reading import shown
from retrain.sweep.setting import VANILLA, Setting
from retrain.sweep.table import labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (TUNED, "#d6604d", "#1b7837", "#762a83", "#a6611a", "#01665e", "#c51b7d", "#4d4d4d")
APART = 1.03
SMOOTHED = 10
"""Steps over which a drawn loss is averaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One panel: points under a title."""

    title: str
    points: Sequence[Point]


def picture(panels: Sequence[Drawn], metric: str, losses: Mapping[Setting, Sequence[float]]) -> bytes:
    """Draw panels side by side as a PNG; losses of each setting, where there are any, come last."""
    count = len(panels) + bool(losses)
    canvas = Canvas(figsize=(4.4 * count, 3.7), dpi=72, layout="constrained")
    FigureCanvasAgg(canvas)
    for place, panel in enumerate(panels, start=1):
        axes = canvas.add_subplot(1, count, place)
        rungs = {point.rung for point in panel.points}
        (_sizes if len(rungs) > 1 else _variants)(axes, panel.points, metric)
        axes.set_title(panel.title, fontsize=10, loc="left", parse_math=False)
        axes.set_ylabel(f"{shown(metric)}, percent", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(visible=True, alpha=0.25)
    if losses:
        _losses(canvas.add_subplot(1, count, count), losses)
    written = io.BytesIO()
    canvas.savefig(written, format="png", pil_kwargs={"optimize": True})
    return written.getvalue()


def _sizes(axes: "Axes", points: Sequence[Point], metric: str) -> None:
    """A line for each setting over size."""
    sized = [point for point in points if point.parameters and metric in point.figures]
    named = labels(list(dict.fromkeys(point.setting for point in sized)))
    axes.set_xscale("log")
    for place, (setting, (name, colour)) in enumerate(_coloured(named).items()):
        ladder = smallest_first([point for point in sized if point.setting == setting])
        apart = APART**place  # or the intervals would hide each other
        _bars(axes, [p.parameters * apart for p in ladder], ladder, metric, name, colour, "-")
    known = {point.parameters: point.rung for point in sized}
    axes.xaxis.set_major_locator(FixedLocator(sorted(known)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticklabels([short_count(size) for size in sorted(known)])
    axes.set_xlabel("parameters (log scale)", fontsize=9)
    axes.legend(fontsize=7)


def _variants(axes: "Axes", points: Sequence[Point], metric: str) -> None:
    """A mark for each setting, and vanilla as a line across."""
    named = labels(list(dict.fromkeys(point.setting for point in points)))
    tuned = [p for p in points if p.setting != VANILLA and metric in p.figures]
    for point in points:
        if point.setting == VANILLA and metric in point.figures:
            value = 100 * point.figures[metric].value
            axes.axhline(value, color=BASELINE, linestyle="--", linewidth=1, label="vanilla")
    _bars(axes, list(range(len(tuned))), tuned, metric, "tuned", TUNED, "none")
    axes.set_xticks(range(len(tuned)))
    axes.set_xlim(-0.5, max(0.5, len(tuned) - 0.5))
    axes.set_xticklabels([_plain(named[p.setting].partition(", ")[2] or named[p.setting]) for p in tuned])
    axes.legend(fontsize=7)


def _bars(
    axes: "Axes", places: Sequence[float], points: Sequence[Point], metric: str, name: str, colour: str, line: str
) -> None:
    found = [point.figures[metric] for point in points]
    below = [100 * max(0.0, f.value - f.low) for f in found]
    above = [100 * max(0.0, f.high - f.value) for f in found]
    axes.errorbar(
        places,
        [100 * f.value for f in found],
        yerr=[below, above],
        label=_plain(name),
        color=colour,
        marker="o",
        markersize=4,
        capsize=3,
        linestyle=line,
    )


def _losses(axes: "Axes", losses: Mapping[Setting, Sequence[float]]) -> None:
    named = labels(list(losses))
    for setting, (name, colour) in _coloured(named).items():
        values = np.asarray(losses[setting], dtype=np.float64)
        width = min(SMOOTHED, len(values))
        smooth = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(np.arange(width, len(values) + 1), smooth, label=_plain(name), color=colour, linewidth=1)
    axes.set_title(f"training loss, mean of {SMOOTHED} steps", fontsize=10, loc="left")
    axes.set_xlabel("step", fontsize=9)
    axes.set_ylabel("nats", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, alpha=0.25)
    axes.legend(fontsize=7)


def _coloured(named: Mapping[Setting, str]) -> dict[Setting, tuple[str, str]]:
    tuned = [setting for setting in named if setting != VANILLA]
    colours = {VANILLA: GREY, **{s: COLOURS[i % len(COLOURS)] for i, s in enumerate(tuned)}}
    return {setting: (name, colours[setting]) for setting, name in named.items()}


def _plain(text: str) -> str:
    """Text in which no dollar begins a formula."""
    return text.replace("$", r"\$")
