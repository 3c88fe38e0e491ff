"""What tables say in plain words: yes, no, or that the figures cannot tell. Pure.

Yes and no are said by intervals alone. "No difference" needs an interval that lies within the margin; one that
is wider says nothing. Where several are compared, each interval is widened so that all hold together (Bonferroni).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np
from scipy.stats import page_trend_test

from retrain.sweep.point import Figure, Point, gap, smallest_first
from retrain.sweep.setting import VANILLA, Setting, short, told_epochs

LEAST_RUNGS = 3
ALPHA = 0.05
TENTH = (8.0, 12.5)
"""How many times smaller a rate must be to count as a tenth."""


class Verdict(StrEnum):
    """What figures say about a question."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"
    MOOT = "nothing to mend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question put to the figures, the answer, and the figures behind it."""

    asked: str
    verdict: Verdict
    why: str


def read(points: Sequence[Point], metric: str, margin: float) -> list[Answer]:
    """Every question that these points can be asked; rungs of size 0 stand outside the ladder."""
    settings = list(dict.fromkeys(point.setting for point in points))
    ladders = {s: smallest_first([p for p in points if p.setting == s and p.parameters]) for s in settings}
    found: list[Answer] = []
    for ladder in ladders.values():
        if len(ladder) >= LEAST_RUNGS:
            found += rises(ladder, metric)
    for setting, ladder in ladders.items():
        vanilla = {point.rung: point for point in ladders.get(VANILLA, [])}
        pairs = [(point, vanilla[point.rung]) for point in ladder if point.rung in vanilla]
        if setting != VANILLA and len(pairs) > 1:
            found.append(falls(setting, pairs, metric, margin))
    found += tenths(points, metric)
    for asked, key, only in (("rank", "rank", None), ("the number of LoRA+ epochs", "epochs", "lora+")):
        for group in _alike(points, key, only):
            found.append(matters(asked, key, group, metric, margin))
    return found


def rises(ladder: Sequence[Point], metric: str) -> list[Answer]:
    """Does a ladder rise: step by step, which is the paper's rule, and as a trend (Page's test over rooms)?"""
    setting = ladder[0].setting
    metrics = ["precision", metric] if setting == VANILLA else [metric]
    found = []
    for name in dict.fromkeys(m for m in metrics if all(m in point.figures for point in ladder)):
        steps = [gap(large, small, name, level=ALPHA / (len(ladder) - 1)) for small, large in pairwise(ladder)]
        verdict = Verdict.CANNOT_TELL
        if all(step.low > 0 for step in steps):
            verdict = Verdict.YES
        elif any(step.high < 0 for step in steps):
            verdict = Verdict.NO
        told = "; ".join(f"to {point.rung} {points_of(step)}" for point, step in zip(ladder[1:], steps, strict=True))
        plain = "rises" if all(step.value > 0 for step in steps) else "does not rise"
        found.append(
            Answer(
                asked=f"Does {shown(name)} rise with every step of size? ({setting})",
                verdict=verdict,
                why=f"{told}. By the values alone it {plain}.",
            )
        )
    trend = _trend(ladder)
    return found if trend is None else [*found, trend]


def falls(setting: Setting, pairs: Sequence[tuple[Point, Point]], metric: str, margin: float) -> Answer:
    """Which rungs fall when they are tuned? ``pairs`` are the tuned and the vanilla rung."""
    gains = [(tuned.rung, gap(tuned, vanilla, metric, level=ALPHA / len(pairs))) for tuned, vanilla in pairs]
    fallen = [rung for rung, gain in gains if gain.high < 0]
    if fallen:
        verdict = Verdict.YES
    else:
        verdict = Verdict.NO if all(gain.low > -margin for _, gain in gains) else Verdict.CANNOT_TELL
    told = "; ".join(f"{rung} {points_of(gain)}" for rung, gain in gains)
    return Answer(
        asked=f"Does {shown(metric)} of any rung fall when it is tuned? ({setting})",
        verdict=verdict,
        why=(f"{', '.join(fallen)} falls. " if fallen else "") + f"Tuned less vanilla: {told}.",
    )


def tenths(points: Sequence[Point], metric: str) -> list[Answer]:
    """Does a tenth of the learning rate mend a rung that fell?"""
    found = []
    vanilla = {point.rung: point for point in points if point.setting == VANILLA}
    for high in points:
        for low in points:
            if low.rung != high.rung or low.rung not in vanilla or not _tenth(low.setting, high.setting):
                continue
            base = vanilla[high.rung]
            fell, mended, left = gap(high, base, metric), gap(low, high, metric), gap(low, base, metric)
            verdict = Verdict.CANNOT_TELL
            if fell.high >= 0:
                verdict = Verdict.MOOT
            elif mended.low > 0:
                verdict = Verdict.YES
            elif mended.high < 0:
                verdict = Verdict.NO
            rates = short(high.setting.learning_rate), short(low.setting.learning_rate)
            found.append(
                Answer(
                    asked=f"Does a tenth of the learning rate mend {high.rung}? ({high.setting})",
                    verdict=verdict,
                    why=f"Against vanilla, {rates[0]} gains {points_of(fell)} and {rates[1]} {points_of(left)}; "
                    f"{rates[1]} less {rates[0]}: {points_of(mended)}.",
                )
            )
    return found


def matters(asked: str, key: str, group: Sequence[Point], metric: str, margin: float) -> Answer:
    """Does a hyperparameter matter, all else equal? All are compared with the smallest."""
    first, *others = group
    level = ALPHA / len(others)
    gaps = [(getattr(point.setting, key), gap(point, first, metric, level=level)) for point in others]
    verdict = Verdict.CANNOT_TELL
    if any(found.low > 0 or found.high < 0 for _, found in gaps):
        verdict = Verdict.YES
    elif all(-margin < found.low and found.high < margin for _, found in gaps):
        verdict = Verdict.NO
    best = max(group, key=lambda point: point.figures[metric].value)
    told = "; ".join(f"{value} {points_of(found)}" for value, found in gaps)
    start = getattr(first.setting, key)
    return Answer(
        asked=f"Does {asked} matter on {first.rung}? ({_without(first.setting, key)})",
        verdict=verdict,
        why=f"Against {start} ({percent(first.figures[metric].value)}): {told}. The highest value is that of "
        f"{getattr(best.setting, key)}.",
    )


def points_of(found: Figure) -> str:
    """A difference in points, with its interval where there is one."""
    value = f"{100 * found.value:+.1f}"
    return value if found.low == found.high else f"{value} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def percent(value: float) -> str:
    """A figure as the paper prints it."""
    return f"{100 * value:.1f}"


def shown(metric: str) -> str:
    """A metric's name in text."""
    return {"f1": "F1", "macro_f1": "macro-F1"}.get(metric, metric)


def _trend(ladder: Sequence[Point]) -> Answer | None:
    means = [point.gold for point in ladder if point.gold is not None]
    if len(means) < len(ladder) or len(means[0]) < LEAST_RUNGS:
        return None
    table = np.stack(means, axis=1)
    rise, fall = float(page_trend_test(table).pvalue), float(page_trend_test(table[:, ::-1]).pvalue)
    verdict = Verdict.YES if rise < ALPHA else Verdict.NO if fall < ALPHA else Verdict.CANNOT_TELL
    told = ", ".join(f"{value:.3f}" for value in table.mean(axis=0))
    return Answer(
        asked=f"Does agreement with the labels rise with size as a trend? ({ladder[0].setting})",
        verdict=verdict,
        why=f"Page's test on the label's log-probability over {len(table)} rooms: p = {_probability(rise)} for a rise, "
        f"{_probability(fall)} for a fall; means in nats {told}.",
    )


def _alike(points: Sequence[Point], key: str, only: str | None) -> list[list[Point]]:
    """Groups of points that differ in one hyperparameter alone, smallest first; groups of one are left out."""
    groups: dict[tuple[str, Setting], list[Point]] = {}
    for point in points:
        if point.setting != VANILLA and only in (None, point.setting.method):
            blank = replace(point.setting, rank=0) if key == "rank" else replace(point.setting, epochs=0)
            groups.setdefault((point.rung, blank), []).append(point)
    return [sorted(g, key=lambda p: int(getattr(p.setting, key))) for g in groups.values() if len(g) > 1]


def _tenth(low: Setting, high: Setting) -> bool:
    if VANILLA in (low, high) or replace(low, learning_rate=0.0) != replace(high, learning_rate=0.0):
        return False
    return TENTH[0] <= high.learning_rate / low.learning_rate <= TENTH[1]


def _without(setting: Setting, key: str) -> str:
    """A setting's name without the hyperparameter that is asked about."""
    gone = f"r {setting.rank}" if key == "rank" else told_epochs(setting.epochs)
    return ", ".join(part for part in str(setting).split(", ") if part != gone)


def _probability(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 or math.isnan(value) else f"{value:.0e}"
