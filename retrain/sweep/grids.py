"""The tables of a report: answers, our figures, the paper's. Pure."""

from collections.abc import Sequence

from models.ids import QuestionId
from retrain.picture import short_count
from retrain.sweep.document import Grid
from retrain.sweep.point import GOLD, METRICS, Figure, Point
from retrain.sweep.reading import Answer, shown, told_gap, told_value
from retrain.sweep.setting import VANILLA
from retrain.sweep.table import Line, labels, shared


def answers(caption: str, found: Sequence[Answer]) -> Grid:
    """A row for each question: its answer by the metric, by log-probability, and the figures of both."""
    rows: dict[str, tuple[str, str, str]] = {}
    for answer in found:
        metric, gold, why = rows.get(answer.asked, ("", "", ""))
        if answer.by == GOLD:
            gold = answer.verdict.value
        else:
            metric = answer.verdict.value
        rows[answer.asked] = metric, gold, f"{why} {shown(answer.by)}: {answer.why}".strip()
    if not any(answer.by == GOLD for answer in found):
        short = tuple((asked, answer, why) for asked, (answer, _, why) in rows.items())
        return Grid(caption=caption, header=("question", "answer", "figures"), rows=short)
    told = tuple((asked, *row) for asked, row in rows.items())
    return Grid(caption=caption, header=("question", "by the metric", "by log p", "figures"), rows=told)


def our_table(question: QuestionId, told: Sequence[Line], metric: str) -> Grid:
    """One question's figures in one experiment."""
    settings = list(dict.fromkeys(line.point.setting for line in told))
    named = labels(settings)
    common = f"; tuned with {told_shared}" if (told_shared := shared(settings)) else ""
    rows = tuple(
        (
            line.point.rung,
            short_count(line.point.parameters),
            named[line.point.setting],
            _seeds(line.point),
            *(_told(line.point.figures.get(name), name) for name in (*METRICS, GOLD)),
            _gained(line.gain, metric),
            _gained(line.gold_gain, GOLD),
        )
        for line in told
    )
    names = [shown(name) for name in (*METRICS, GOLD)]
    gains = [f"{shown(name)} less vanilla's" for name in (metric, GOLD)]
    header = ("rung", "size", "method", "seeds", *names, *gains)
    floor = told[0].point.floor
    without = "" if floor is None else f"; without a model: F1 {100 * floor.f1:.1f}, log p {floor.log_p:.3f}"
    return Grid(caption=f"{question}, {told[0].point.rows} labels{without}{common}", header=header, rows=rows)


def paper_table(told: Sequence[Line]) -> Grid:
    """The paper's figures."""
    named = labels(list(dict.fromkeys(line.point.setting for line in told)))
    rows = tuple(
        (
            line.point.rung,
            named[line.point.setting],
            *(_printed(line.point.figures.get(name)) for name in ("precision", "f1")),
            _gained(line.gain, "f1"),
        )
        for line in told
    )
    header = ("model", "method", "precision", "F1", "F1 less vanilla's")
    return Grid(caption="The paper's", header=header, rows=rows)


def _seeds(point: Point) -> str:
    return "" if point.counts is None or point.setting == VANILLA else str(len(point.counts.seeds))


def _gained(gain: Figure | None, metric: str) -> str:
    return "" if gain is None else told_gap(gain, metric)


def _printed(found: Figure | None) -> str:
    """With the two decimals that the paper prints."""
    return "" if found is None else f"{100 * found.value:.2f}"


def _told(found: Figure | None, metric: str) -> str:
    if found is None:
        return ""
    value, low, high = (told_value(v, metric) for v in (found.value, found.low, found.high))
    return value if found.low == found.high else f"{value} ({low} to {high})"
