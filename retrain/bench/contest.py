"""Several ways of answering one question, on the same labelled rows: figures, intervals, paired differences. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats, Scored
from models.resample import Figure, draws, f1_of, macro_f1_of, precision_of, recall_of, tables

RULE, LEARNER = "rule", "learner"
PEERS = (RULE, LEARNER)
DRAWS = 2000
LEVEL = 0.95
LEAST_CONVERSATIONS = 5
"""As in ``quandary evaluate``: fewer conversations cannot stand for others, so no interval is given."""
FIGURES: Mapping[str, Figure] = {"f1": f1_of, "macro_f1": macro_f1_of, "precision": precision_of, "recall": recall_of}
PAIRED = ("f1", "macro_f1")
AT_PRECISION = "recall_at_rule_precision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval over conversations, None where there are too few."""

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A contender's figure less a peer's, paired: both on the same rows and the same draws."""

    contender: str
    peer: str
    figure: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All figures under one way of counting rows: ``plain`` (each once) or ``natural`` (by weight)."""

    counting: str
    figures: Mapping[str, Mapping[str, Estimate]]
    """By contender, then by figure."""
    differences: tuple[Difference, ...]


def contest(columns: Scored, contenders: Mapping[str, Floats], rng: np.random.Generator) -> tuple[View, ...]:
    """Compare contenders, each with its positive probabilities (n,) for the rows of ``columns``.

    The contender called ``rule`` has a precision at which the others' recall is measured: the best that any threshold
    gives them. The natural view is left out where all weights are alike.
    """
    times = draws(len(np.unique(columns.cluster)), DRAWS, rng)
    views = [_view("plain", replace(columns, weight=np.ones(len(columns.gold))), contenders, times)]
    if len(np.unique(columns.weight)) > 1:
        views.append(_view("natural", columns, contenders, times))
    return tuple(views)


def recall_at(gold: Floats, positive: Floats, weight: Floats, precision: float) -> float:
    """The best recall that a threshold gives with at least this precision; 0 where none does."""
    order = np.argsort(-positive, kind="stable")
    score, mass, right = positive[order], weight[order], gold[order] > 0.5
    found = np.cumsum(mass * right)
    called = np.cumsum(mass)
    whole = np.append(score[1:] != score[:-1], True)  # a threshold cannot part rows of the same score
    kept = whole & (called > 0) & (found >= precision * called - 1e-9)
    return float(found[kept].max(initial=0.0) / found[-1]) if len(found) and found[-1] > 0 else 0.0


def _view(counting: str, columns: Scored, contenders: Mapping[str, Floats], times: NDArray[np.int64]) -> View:
    counted = {name: tables(replace(columns, positive=positive)) for name, positive in contenders.items()}
    sampled: dict[str, dict[str, Floats]] = {}
    values: dict[str, dict[str, float]] = {}
    for name, table in counted.items():
        values[name] = {figure: float(of(table.sum(axis=0))) for figure, of in FIGURES.items()}
        sampled[name] = {figure: of(times @ table) for figure, of in FIGURES.items()}
    if RULE in contenders:
        _add_recall_at(columns, contenders, times, counted[RULE], values, sampled)
    enough = times.shape[1] >= LEAST_CONVERSATIONS
    return View(
        counting=counting,
        figures={
            name: {figure: _estimate(value, sampled[name][figure], enough=enough) for figure, value in found.items()}
            for name, found in values.items()
        },
        differences=tuple(
            _difference(name, peer, figure, values, sampled, enough=enough)
            for name in contenders
            if name not in PEERS
            for peer in PEERS
            if peer in contenders
            for figure in (*PAIRED, *([AT_PRECISION] if RULE in contenders else []))
        ),
    )


def _add_recall_at(
    columns: Scored,
    contenders: Mapping[str, Floats],
    times: NDArray[np.int64],
    rule: Floats,
    values: dict[str, dict[str, float]],
    sampled: dict[str, dict[str, Floats]],
) -> None:
    """Measure recall at the rule's precision, anew in every draw: precision and threshold move with the sample."""
    place = np.unique(columns.cluster, return_inverse=True)[1]
    bar, bars = float(precision_of(rule.sum(axis=0))), precision_of(times @ rule).tolist()
    for name, positive in contenders.items():
        values[name][AT_PRECISION] = recall_at(columns.gold, positive, columns.weight, bar)
        sampled[name][AT_PRECISION] = np.array(
            [recall_at(columns.gold, positive, columns.weight * t[place], b) for t, b in zip(times, bars, strict=True)]
        )


def _difference(
    name: str,
    peer: str,
    figure: str,
    values: Mapping[str, Mapping[str, float]],
    sampled: Mapping[str, Mapping[str, Floats]],
    *,
    enough: bool,
) -> Difference:
    gap = values[name][figure] - values[peer][figure]
    estimate = _estimate(gap, sampled[name][figure] - sampled[peer][figure], enough=enough)
    return Difference(contender=name, peer=peer, figure=figure, estimate=estimate)


def _estimate(value: float, sampled: Floats, *, enough: bool) -> Estimate:
    if not enough:
        return Estimate(value=value, interval=None)
    low, high = np.quantile(sampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value=value, interval=(float(low), float(high)))
