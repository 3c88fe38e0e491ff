"""The cascade against the large model alone: the same bursts, arms in turn, speed and quality from one run."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.evaluate import score
from models.cascade import Bars, Cascade, settled
from models.cascade_fit import Decided, fit_bars
from models.chat import Burst
from models.decider import Decider
from models.decision import Decision
from models.item import Item
from models.metrics import Floats, Scored, f1, macro_f1
from models.question import Question

BATCH = 16
"""Bursts decided in one go, as the pipeline does when a queue has built up."""
LEVELS = (0.85, 0.90, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Rates of agreement that are tried, loosest first."""
METRICS: dict[str, Callable[[Scored], float]] = {"f1": f1, "macro_f1": macro_f1}
DRAWS = 500


def decide_all(decider: Decider, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
    """Decide in batches, in order."""
    return [made for at in range(0, len(bursts), BATCH) for made in decider.decide(bursts[at : at + BATCH])]


def merged(questions: Sequence[Question], small: Decided, large: Decided, bars: Bars) -> list[tuple[Decision, ...]]:
    """What a cascade with these bars decides, from what both models decided."""
    return [a if settled(questions, a, bars) else b for a, b in zip(small, large, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One rate of agreement: the share of bursts settled, and the worst loss of F1 or macro-F1 over questions."""

    agreement: float
    settled: float
    loss: float


def levels(items: Sequence[Item], questions: Sequence[Question], small: Decided, large: Decided) -> list[Level]:
    """Try every rate of agreement on a labelled file: bars from one half of the conversations, losses on the other."""
    names = sorted({item.conversation for item in items})
    halves: tuple[list[int], list[int]] = ([], [])
    for i, item in enumerate(items):
        halves[names.index(item.conversation) % 2].append(i)
    found = []
    for agreement in LEVELS:
        made = list(large)
        for fitted_on, held in (halves, halves[::-1]):
            bars = fit_bars(questions, [small[i] for i in fitted_on], [large[i] for i in fitted_on], agreement)
            for i in held:
                made[i] = small[i] if settled(questions, small[i], bars) else large[i]
        losses = [
            metric(b) - metric(a) for a, b in _pairs(items, questions, made, large) for metric in METRICS.values()
        ]
        count = sum(one is not other for one, other in zip(made, large, strict=True))
        found.append(Level(agreement=agreement, settled=count / len(items), loss=max(losses, default=0.0)))
    return found


def loosest(found: Sequence[Level], loss: float) -> float:
    """The loosest rate of agreement that loses at most this much; the strictest one where all lose more."""
    return next((level.agreement for level in found if level.loss <= loss), LEVELS[-1])


def timed(
    arms: Mapping[str, Decider], bursts: Sequence[Burst], rounds: int, advance: Callable[[], None]
) -> tuple[Floats, dict[str, list[tuple[Decision, ...]]]]:
    """Seconds (rounds, arms) for all bursts, and each arm's decisions; every batch is decided by each arm in turn.

    Which arm goes first changes from batch to batch, so that drift and warm caches favour nobody.
    """
    spent = np.zeros((rounds, len(arms)))
    made: dict[str, list[tuple[Decision, ...]]] = {name: [] for name in arms}
    for turn in range(rounds):
        for number, at in enumerate(range(0, len(bursts), BATCH)):
            order = list(enumerate(arms.items()))
            for place, (name, decider) in order if (number + turn) % 2 else reversed(order):
                began = time.perf_counter()
                found = decider.decide(bursts[at : at + BATCH])
                spent[turn, place] += time.perf_counter() - began
                made[name] += found if turn == 0 else []
            advance()
    return spent, made


def measure(
    items: Sequence[Item],
    questions: Sequence[Question],
    small: Decider,
    large: Decider,
    bars: Bars,
    *,
    rounds: int,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Measure speed and quality of large alone, small alone and cascade on labelled bursts; figures for --json."""
    bursts = [item.burst for item in items]
    both = Cascade(small, large, questions=questions, bars=bars)
    arms: dict[str, Decider] = {"large": large, "small": small, "cascade": both}
    spent, made = timed(arms, bursts, rounds, advance)
    stays = np.array([settled(questions, one, bars) for one in made["small"]])
    weight = np.array([item.weight for item in items])
    ratios = spent[:, 0] / spent[:, 2]
    return {
        "bursts": len(bursts),
        "rounds": rounds,
        "bursts_per_second": {name: len(bursts) / float(np.median(spent[:, i])) for i, name in enumerate(arms)},
        "times_as_fast": float(np.median(ratios)),
        "times_as_fast_by_round": ratios.tolist(),
        "settled": float(stays.mean()),
        "settled_at_natural_rates": float(weight[stays].sum() / weight.sum()),
        "questions": {
            question.id: _quality(items, question, place, made, np.random.default_rng(seed))
            for place, question in enumerate(questions)
        },
    }


def _quality(
    items: Sequence[Item], question: Question, place: int, made: Mapping[str, Decided], rng: np.random.Generator
) -> dict[str, Any]:
    """Each arm's F1 and macro-F1, and what the cascade gains on the large model, with a 95 % interval over rooms."""
    scored = {name: _scored(items, question, place, decided) for name, decided in made.items()}
    figures: dict[str, Any] = {"n": len(scored["large"].gold)}
    if figures["n"] == 0:
        return figures
    figures |= {name: {m: metric(s) for m, metric in METRICS.items()} for name, s in scored.items()}
    both, large = scored["cascade"], scored["large"]
    members = [np.flatnonzero(both.cluster == c) for c in np.unique(both.cluster)]
    draws: dict[str, list[float]] = {m: [] for m in METRICS}
    for _ in range(DRAWS):
        rows = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        for m, metric in METRICS.items():
            draws[m].append(metric(both.take(rows)) - metric(large.take(rows)))
    figures["gain"] = {m: metric(both) - metric(large) for m, metric in METRICS.items()}
    figures["gain_interval_95"] = {m: np.quantile(values, [0.025, 0.975]).tolist() for m, values in draws.items()}
    figures["rooms"] = len(members)
    return figures


def _pairs(
    items: Sequence[Item], questions: Sequence[Question], one: Decided, other: Decided
) -> list[tuple[Scored, Scored]]:
    """Both sides' columns for each question that has yes-or-no labels."""
    both = [(_scored(items, q, place, one), _scored(items, q, place, other)) for place, q in enumerate(questions)]
    return [(a, b) for a, b in both if len(a.gold)]


def _scored(items: Sequence[Item], question: Question, place: int, made: Decided) -> Scored:
    rows = [i for i, item in enumerate(items) if item.answers.get(question.id) not in {None, question.abstain}]
    return score([items[i] for i in rows], [made[i][place] for i in rows], question)
