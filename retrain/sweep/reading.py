"""What tables say in plain words: yes, no, or that the figures cannot tell. Pure.

Yes and no are said by intervals alone. A difference whose interval lies within the margin is none, however sure it is;
one that is wider and holds zero says nothing. Where several are compared, each interval is widened so that all hold
together (Bonferroni).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np
from scipy.stats import page_trend_test

from retrain.sweep.point import GOLD, Figure, Point, above, gap, smallest_first
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
    """One question put to one figure (``by``), the answer, and the values behind it."""

    asked: str
    by: str
    verdict: Verdict
    why: str


def read(points: Sequence[Point], metric: str, margin: float) -> list[Answer]:
    """Every question that these points can be asked, by a metric and, where there are readings, by log-probability.

    Rungs of size 0 stand outside the ladder.
    """
    settings = list(dict.fromkeys(point.setting for point in points))
    ladders = {s: smallest_first([p for p in points if p.setting == s and p.parameters]) for s in settings}
    found: list[Answer] = []
    for ladder in ladders.values():
        if len(ladder) >= LEAST_RUNGS:
            found += rises(ladder, metric)
    found += [beats(ladder) for ladder in ladders.values() if ladder and all(point.floor for point in ladder)]
    for name in (metric, GOLD) if all(GOLD in point.figures for point in points) else (metric,):
        for setting, ladder in ladders.items():
            vanilla = {point.rung: point for point in ladders.get(VANILLA, [])}
            pairs = [(point, vanilla[point.rung]) for point in ladder if point.rung in vanilla]
            if setting != VANILLA and len(pairs) > 1:
                found.append(falls(setting, pairs, name, margin))
        found += tenths(points, name)
        found += pluses(points, name, margin)
        for asked, key, only in (("rank", "rank", None), ("the number of LoRA+ epochs", "epochs", "lora+")):
            found += [matters(asked, key, group, name, margin) for group in _alike(points, key, only)]
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
        told = "; ".join(f"to {p.rung} {told_gap(step, name)}" for p, step in zip(ladder[1:], steps, strict=True))
        plain = "rises" if all(step.value > 0 for step in steps) else "does not rise"
        asked = f"Does {shown(name)} rise with every step of size? ({setting})"
        found.append(Answer(asked=asked, by=name, verdict=verdict, why=f"{told}. By the values alone it {plain}."))
    trend = _trend(ladder)
    return found if trend is None else [*found, trend]


def beats(ladder: Sequence[Point]) -> Answer:
    """Does every rung give the labels more probability than their own rates would, which need no model?"""
    gains = [
        (point.rung, above(point, point.floor.log_p, ALPHA / len(ladder)))
        for point in ladder
        if point.floor is not None
    ]
    verdict = Verdict.CANNOT_TELL
    if all(gain.low > 0 for _, gain in gains):
        verdict = Verdict.YES
    elif any(gain.high < 0 for _, gain in gains):
        verdict = Verdict.NO
    told = "; ".join(f"{rung} {told_gap(gain, GOLD)}" for rung, gain in gains)
    asked = f"Does every rung know more than the labels' rates? ({ladder[0].setting})"
    return Answer(asked=asked, by=GOLD, verdict=verdict, why=f"Above the rates alone: {told}.")


def falls(setting: Setting, pairs: Sequence[tuple[Point, Point]], metric: str, margin: float) -> Answer:
    """Which rungs fall when they are tuned? ``pairs`` are the tuned and the vanilla rung."""
    gains = [(tuned.rung, gap(tuned, vanilla, metric, level=ALPHA / len(pairs))) for tuned, vanilla in pairs]
    fallen = [rung for rung, gain in gains if gain.high < 0]
    verdict = Verdict.YES if fallen else Verdict.CANNOT_TELL
    if all(gain.low > -margin for _, gain in gains):
        verdict = Verdict.NO
    told = "; ".join(f"{rung} {told_gap(gain, metric)}" for rung, gain in gains)
    fell = f"{', '.join(fallen)} {'falls' if len(fallen) == 1 else 'fall'}. " if fallen else ""
    asked = f"Does any rung fall when it is tuned? ({setting})"
    return Answer(asked=asked, by=metric, verdict=verdict, why=f"{fell}Tuned less vanilla: {told}.")


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
            why = (
                f"Against vanilla, {rates[0]} gains {told_gap(fell, metric)} and {rates[1]} {told_gap(left, metric)}; "
                f"{rates[1]} less {rates[0]}: {told_gap(mended, metric)}."
            )
            asked = f"Does a tenth of the learning rate mend {high.rung}? ({high.setting})"
            found.append(Answer(asked=asked, by=metric, verdict=verdict, why=why))
    return found


def pluses(points: Sequence[Point], metric: str, margin: float) -> list[Answer]:
    """Is LoRA+ better than LoRA, all else equal, on each rung that has both?"""
    plain = {(p.rung, p.setting): p for p in points if p.setting.method == "lora"}
    groups: dict[Setting, list[tuple[Point, Point]]] = {}
    for point in smallest_first([p for p in points if p.setting.method == "lora+"]):
        beside = plain.get((point.rung, replace(point.setting, method="lora", ratio=1.0)))
        if beside is not None:
            groups.setdefault(point.setting, []).append((point, beside))
    found = []
    for setting, pairs in groups.items():
        gaps = [(plus.rung, gap(plus, lora, metric, level=ALPHA / len(pairs))) for plus, lora in pairs]
        verdict = Verdict.CANNOT_TELL
        if all(one.high < margin for _, one in gaps):
            verdict = Verdict.NO
        elif any(one.low > 0 for _, one in gaps) and all(one.high >= 0 for _, one in gaps):
            verdict = Verdict.YES
        told = "; ".join(f"{rung} {told_gap(one, metric)}" for rung, one in gaps)
        asked = f"Is LoRA+ better than LoRA? ({setting})"
        found.append(Answer(asked=asked, by=metric, verdict=verdict, why=f"{told}."))
    return found


def matters(asked: str, key: str, group: Sequence[Point], metric: str, margin: float) -> Answer:
    """Does a hyperparameter matter, all else equal? All are compared with the smallest."""
    first, *others = group
    level = ALPHA / len(others)
    gaps = [(getattr(point.setting, key), gap(point, first, metric, level=level)) for point in others]
    verdict = Verdict.CANNOT_TELL
    if all(-margin < found.low and found.high < margin for _, found in gaps):
        verdict = Verdict.NO
    elif any(found.low > 0 or found.high < 0 for _, found in gaps):
        verdict = Verdict.YES
    best = getattr(max(group, key=lambda point: point.figures[metric].value).setting, key)
    told = "; ".join(f"{value} {told_gap(found, metric)}" for value, found in gaps)
    start = f"{getattr(first.setting, key)} ({told_value(first.figures[metric].value, metric)})"
    return Answer(
        asked=f"Does {asked} matter on {first.rung}? ({_without(first.setting, key)})",
        by=metric,
        verdict=verdict,
        why=f"Against {start}: {told}. The highest value is that of {best}.",
    )


def told_value(value: float, metric: str) -> str:
    """A figure as the paper prints it, in percent; log-probabilities in nats."""
    return f"{value:.3f}" if metric == GOLD else f"{100 * value:.1f}"


def told_gap(found: Figure, metric: str) -> str:
    """A difference in points or nats, with its interval where there is one."""
    values = (found.value, found.low, found.high)
    value, low, high = (f"{v:+.3f}" if metric == GOLD else f"{100 * v:+.1f}" for v in values)
    return value if found.low == found.high else f"{value} ({low} to {high})"


def shown(metric: str) -> str:
    """A metric's name in text."""
    return {"f1": "F1", "macro_f1": "macro-F1", GOLD: "log p"}.get(metric, metric)


def _trend(ladder: Sequence[Point]) -> Answer | None:
    known = [point.counts for point in ladder if point.counts is not None]
    if len(known) < len(ladder) or len(known[0].mass) < LEAST_RUNGS:
        return None
    table = np.stack([found.gold.mean(axis=0) / found.mass for found in known], axis=1)
    rise, fall = float(page_trend_test(table).pvalue), float(page_trend_test(table[:, ::-1]).pvalue)
    verdict = Verdict.YES if rise < ALPHA else Verdict.NO if fall < ALPHA else Verdict.CANNOT_TELL
    told = ", ".join(f"{value:.3f}" for value in table.mean(axis=0))
    return Answer(
        asked=f"Does agreement with the labels rise with size as a trend? ({ladder[0].setting})",
        by=GOLD,
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
