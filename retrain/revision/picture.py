"""The history of revisions as one picture: rounds left to right, the ladder before and after, labels changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.revision import RungReading
from retrain.picture import save_figure
from retrain.revision.show import Known, of_arm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEFORE, AFTER, CHANGED = "#8a8a8a", "#2166ac", "#a6611a"
MARKERS = {"vanilla": "o", "tuned": "s"}
_WIDTH = 0.32
_CAPTION = 40


def draw_history(known: Sequence[Known], path: Path) -> Path:
    """Draw a row for each question into a PNG, written aside and renamed; raises ExportError."""
    questions = list(dict.fromkeys(one.question for one, _ in known))
    most = max(sum(one.question == question for one, _ in known) for question in questions)
    figure = Figure(figsize=(max(7.0, 2.6 * most + 2), 5.2 * len(questions) + 0.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle("Rounds of revision", fontsize=14)
    grid = figure.add_gridspec(2 * len(questions), 1, height_ratios=[3, 1.4] * len(questions))
    for row, question in enumerate(questions):
        rounds = [(one, since) for one, since in known if one.question == question]
        upper = figure.add_subplot(grid[2 * row])
        lower = figure.add_subplot(grid[2 * row + 1], sharex=upper)
        _ladders(upper, rounds)
        upper.set_title(str(question), loc="left", fontsize=11)
        _changed(lower, rounds)
    return save_figure(figure, path)


def _ladders(axes: "Axes", rounds: Sequence[Known]) -> None:
    """Each round's ladders side by side, smallest rung to the left within its slot."""
    seen: set[str] = set()
    for place, (one, _) in enumerate(rounds):
        for readings, colour, start, when in (
            (one.before, BEFORE, place - _WIDTH - 0.05, "before"),
            (one.after, AFTER, place + 0.05, "after"),
        ):
            for arm, marker in MARKERS.items():
                rungs = of_arm(readings, arm)
                if not rungs:
                    continue
                name = f"{when}, {arm}"
                axes.plot(
                    _places(rungs, start),
                    [rung.gold for rung in rungs],
                    marker=marker,
                    linestyle="-" if arm == "tuned" else "--",
                    color=colour,
                    markersize=4,
                    label=None if name in seen else name,
                )
                seen.add(name)
    axes.set_ylabel("log-probability of the label\n(nats), smallest to largest rung", fontsize=8)
    if seen:
        axes.legend(fontsize=7, loc="best")
    else:
        axes.text(0.5, 0.5, "no cycle has read a ladder yet", ha="center", transform=axes.transAxes, fontsize=9)
    axes.tick_params(labelbottom=False)


def _changed(axes: "Axes", rounds: Sequence[Known]) -> None:
    shares = [since.share or 0.0 for _, since in rounds]
    axes.bar(range(len(rounds)), shares, width=2 * _WIDTH, color=CHANGED)
    for place, (_, since) in enumerate(rounds):
        told = "not asked again yet" if since.share is None else f"{since.changed} of {since.both}"
        axes.annotate(told, (place, shares[place]), ha="center", va="bottom", fontsize=8)
    axes.set_ylim(0, max(0.25, *(1.35 * share for share in shares)))
    axes.set_xlim(-0.6, len(rounds) - 0.4)
    axes.set_ylabel("share of labels\nchanged", fontsize=8)
    axes.set_xticks(range(len(rounds)), [_caption(one.round, one.new.text, back=one.back) for one, _ in rounds])
    axes.tick_params(axis="x", labelsize=8)


def _places(rungs: Sequence[RungReading], start: float) -> list[float]:
    return [start + _WIDTH * place / max(1, len(rungs) - 1) for place in range(len(rungs))]


def _caption(number: int, text: str, *, back: bool) -> str:
    short = text if len(text) <= _CAPTION else f"{text[: _CAPTION - 1]}…"
    half = short.rfind(" ", 0, _CAPTION // 2 + 4)
    broken = short if half < 0 else f"{short[:half]}\n{short[half + 1 :]}"
    # A dollar sign would open mathematics.
    return f"round {number}{' (back)' if back else ''}\n{broken}".replace("$", r"\$")
