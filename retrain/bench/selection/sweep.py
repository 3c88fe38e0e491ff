"""The sweep: choose labels of a pool, fit a head on them, judge it. Losses come from heads and an untuned rung.

Base is the rung as it is, asked in all cyclic orders of the options; or, for the arm that says so, heads on 50 labels.
The reference is a head on all labels of the pool, out of fold by conversation. All losses are of the answer among yes
and no, for a head knows no third.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.acquisition.ngrams import vectors
from models.acquisition.pool import Rows, Vectors
from models.metrics import Floats
from retrain.bench.acquisition.loop import table
from retrain.bench.acquisition.sets import LabelledSet
from retrain.bench.selection.arms import ARMS, SHARES, Arm
from retrain.head import fit_head
from retrain.peer import fold_of
from retrain.selection.choice import choose
from retrain.selection.fitted import fitted
from retrain.selection.ladder import margins
from retrain.selection.losses import Losses

FOLDS = 5
FEW, HEADS = 50, 3
"""Labels behind each head of the other base, and such heads for each fold."""
ARM = "hidden"
_TINY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanilla:
    """What the untuned rung says: probability (n,) of the positive answer, and without any burst."""

    positive: Floats
    blank: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One set's results: confusion tables [seeds, shares, conversations, 4] and labels taken [seeds, shares] by arm.

    ``losses``: those of each seed's pool, for what is to be said about the scores.
    """

    tables: Mapping[str, NDArray[np.float64]]
    taken: Mapping[str, NDArray[np.int64]]
    losses: tuple[Losses, ...]


def sweep(known: LabelledSet, vanilla: Vanilla, pools: Sequence[Rows], *, arms: Mapping[str, Arm] = ARMS) -> Swept:
    """Run all arms at all shares on each pool (one for each seed)."""
    grams = vectors([item.burst.text for item in known.pool])
    tables: dict[str, list[list[Floats]]] = {name: [] for name in arms}
    taken: dict[str, list[list[int]]] = {name: [] for name in arms}
    found = []
    for seed, rows in enumerate(pools):
        raw = losses_of(known, vanilla, rows, grams)
        kinds = {"raw": raw, "fitted": meaning_it(known, raw, rows)}
        if any(arm.losses == "few" for arm in arms.values()):
            kinds["few"] = meaning_it(known, with_few(known, raw, rows, seed), rows)
        found.append(kinds["fitted"])
        judged = _kept_by_rows(known, rows)
        for name, arm in arms.items():
            chosen = [_rows(kinds[arm.losses], arm, share, seed) for share in SHARES]
            tables[name].append([judged(places) for places in chosen])
            taken[name].append([len(places) for places in chosen])
    return Swept(
        tables={name: np.array(each) for name, each in tables.items()},
        taken={name: np.array(each, dtype=np.int64) for name, each in taken.items()},
        losses=tuple(found),
    )


def losses_of(known: LabelledSet, vanilla: Vanilla, rows: Rows, grams: Vectors) -> Losses:
    """The losses of a pool's labels, raw."""
    gold = known.gold[rows]
    untuned = _loss(gold, vanilla.positive[rows])
    reference = _out_of_fold(known, rows, lambda others: others)
    return Losses(
        ids=tuple(known.pool[i].burst.id for i in rows.tolist()),
        answer=gold.astype(np.int64),
        base=untuned,
        reference=_loss(gold, reference),
        untuned=untuned,
        blank=_loss(gold, np.full(len(rows), vanilla.blank)),
        margin=np.abs(2 * reference - 1),
        vectors=grams[rows],
    )


def meaning_it(known: LabelledSet, losses: Losses, rows: Rows) -> Losses:
    """The same with base and reference fitted, as the learning cycle has them."""
    conversations = [known.pool[i].conversation for i in rows.tolist()]
    base, reference = (fitted(_both(losses, each), losses.answer, conversations) for each in
                       (losses.base, losses.reference))  # fmt: skip
    place = np.arange(len(rows)), losses.answer
    return replace(losses, base=-base[place], reference=-reference[place], margin=margins(reference))


def with_few(known: LabelledSet, losses: Losses, rows: Rows, seed: int) -> Losses:
    """The same with heads on FEW labels of other conversations as the base."""
    rng = np.random.default_rng([seed, FEW])
    said = [_out_of_fold(known, rows, lambda others: rng.permutation(others)[:FEW]) for _ in range(HEADS)]
    return replace(losses, base=_loss(known.gold[rows], np.mean(said, axis=0)))


def _rows(losses: Losses, arm: Arm, share: float, seed: int) -> tuple[int, ...]:
    kept = frozenset(choose(losses, arm.plan(share, seed)).kept)
    return tuple(place for place, burst in enumerate(losses.ids) if burst in kept)


def _kept_by_rows(known: LabelledSet, rows: Rows) -> Callable[[tuple[int, ...]], Floats]:
    """Fit and judge a head on places of the pool; the same places, as all of them, are fitted once."""
    features = known.features[ARM][0]
    judged = features[len(known.pool) :]
    made: dict[tuple[int, ...], Floats] = {}

    def fitted(places: tuple[int, ...]) -> Floats:
        if places not in made:
            chosen = rows[list(places)]
            made[places] = table(known, fit_head(features[chosen], known.gold[chosen]).positive(judged))
        return made[places]

    return fitted


def _out_of_fold(known: LabelledSet, rows: Rows, seen: Callable[[Rows], Rows]) -> Floats:
    """Probability (n,) of the positive answer by heads that learned from ``seen`` rows of other conversations."""
    features = known.features[ARM][0]
    fold = np.array([fold_of(known.pool[i].conversation, FOLDS) for i in rows.tolist()])
    found = np.full(len(rows), 0.5)
    for number in np.unique(fold).tolist():
        others = seen(rows[fold != number])
        if len(others):
            held = fold == number
            found[held] = fit_head(features[others], known.gold[others]).positive(features[rows[held]])
    return found


def _both(losses: Losses, loss: Floats) -> Floats:
    """Log-probabilities (n, 2) of no and yes from the loss (n,) of the label."""
    other = np.log(-np.expm1(-np.clip(loss, _TINY, None)))
    found: Floats = np.where(losses.answer[:, None] == np.arange(2), -loss[:, None], other[:, None])
    return found


def _loss(gold: Floats, positive: Floats) -> Floats:
    right = np.where(gold > 0.5, positive, 1 - positive)
    found: Floats = -np.log(np.clip(right, _TINY, 1.0))
    return found
