"""Made-up ladders whose truth is known: what the gate's error rates are counted on. Pure.

The model: a burst has a right answer and a difficulty, a conversation makes all of its bursts harder or easier for
everybody, and for each rung by itself; a rung sees the right answer with its own strength through all this and noise of
its own. The log-odds it gives are what that evidence is worth, times a factor of its own: rungs are surer, or less
sure, than they should be. Vanilla and tuned rungs of a size share the bursts, and differ in strength.

What wrong labels do to tuned rungs, which learn from them, is a guess here and measured on real ladders: errors at
random make all weaker, errors that lean to the small rung pull all towards what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from models.ids import BurstId, OptionId, QuestionId
from models.metrics import Floats
from models.question import Option, Question
from retrain.checks.agreement import Overlap
from retrain.judged import Judged
from retrain.scaling.ladder import Ladder

SIZES = (500_000_000, 1_000_000_000, 2_000_000_000, 4_000_000_000, 8_000_000_000, 16_000_000_000)
POSITIVE = 0.4
CONVERSATION = 20
"""Bursts of a conversation, about: as many on average, as the geometric distribution deals them."""
DIFFICULTY, COMMON, OWN = 0.55, 0.3, 0.2
"""Standard deviations of what the rungs share of a burst and of a conversation, and of a rung's own effect of a
conversation; a rung's own noise about a burst makes the whole variance 1."""
SURER = 0.3
"""Standard deviation of the logarithm of the factor by which a rung is surer than it should be."""
WEAKER, PULLED = 0.5, 2.0
"""Tuned on a share s of random errors, a rung keeps 1 - ``WEAKER`` s of its strength; on a share s that leans to the
small rung, ``PULLED`` s of what it sees is what the small rung sees."""
HONEST = 0.05
"""Share of answers that people who mean well give wrong, each by themselves."""
QUESTION = Question(
    id=QuestionId("made_up"),
    text="Is it so?",
    definition="made_up: is it so?",
    options=(Option(id=OptionId("yes"), wording="yes"), Option(id=OptionId("no"), wording="no")),
    positive=OptionId("yes"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Accuracies (0..1) of the rungs, smallest first, on right labels."""

    vanilla: tuple[float, ...]
    tuned: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with the labels: a share (0..1) ``flipped`` at random; or turned to the small rung's wrong answer.

    Both are shares of all labels.
    """

    flipped: float = 0.0
    biased: float = 0.0


def made_ladder(truth: Truth, fault: Fault, labels: int, rng: np.random.Generator) -> Ladder:
    """Make up labels and what each rung says of them."""
    right = np.where(rng.random(labels) < POSITIVE, 1.0, -1.0)
    cluster = conversations(labels, rng)
    count = int(cluster[-1]) + 1
    shared = rng.normal(0, DIFFICULTY, labels) + rng.normal(0, COMMON, count)[cluster]
    noise = np.sqrt(1 - DIFFICULTY**2 - COMMON**2 - OWN**2)
    rungs = len(truth.vanilla)

    def seen(accuracy: Sequence[float], keeps: float) -> Floats:
        own = rng.normal(0, noise, (rungs, labels)) + rng.normal(0, OWN, (rungs, count))[:, cluster]
        found: Floats = keeps * norm.ppf(np.array(accuracy))[:, None] + shared + own
        return found

    vanilla = seen(truth.vanilla, 1.0)
    tuned = seen(truth.tuned, 1 - WEAKER * fault.flipped)
    pull = min(1.0, PULLED * fault.biased)
    tuned = (1 - pull) * tuned + pull * vanilla[0]
    given = spoil(right, vanilla[0] < 0, fault, rng)
    names = tuple(f"c{c}" for c in cluster)
    ids = tuple(BurstId(str(i)) for i in range(labels))

    def judged(towards: Floats, accuracy: float) -> Judged:
        odds = 2 * norm.ppf(accuracy) * towards * right * np.exp(rng.normal(0, SURER))
        return Judged(
            question=QUESTION,
            scores=np.stack([-np.logaddexp(0, -odds), -np.logaddexp(0, odds)], axis=1),
            gold=np.where(given > 0, 0, 1),
            weight=np.ones(labels),
            conversations=names,
            ids=ids,
        )

    return Ladder(
        question=QUESTION,
        rungs=tuple(f"rung {i + 1}" for i in range(rungs)),
        parameters=SIZES[:rungs],
        vanilla=tuple(judged(x, a) for x, a in zip(vanilla, truth.vanilla, strict=True)),
        tuned=tuple(judged(x, a) for x, a in zip(tuned, truth.tuned, strict=True)),
    )


def made_overlap(found: Judged, fault: Fault, share: float, rng: np.random.Generator) -> Overlap:
    """Let a second person answer a share (0..1) of a ladder's bursts, drawn by chance.

    Both err by themselves in ``HONEST`` of their answers; errors at random are each one's own, so a second person makes
    them as often as the first. Labels that lean to the small model are taken to lean in everybody's hand.
    """
    drawn = np.sort(rng.permutation(len(found))[: round(share * len(found))])
    first = np.where(rng.random(len(drawn)) < HONEST, 1 - found.gold[drawn], found.gold[drawn])
    # The ladder's labels have the fault already; it is taken out again for the second person by its own chance.
    same = (1 - fault.flipped) ** 2 + fault.flipped**2
    second = np.where(rng.random(len(drawn)) < same, found.gold[drawn], 1 - found.gold[drawn])
    second = np.where(rng.random(len(drawn)) < HONEST, 1 - second, second)
    option = [one.id for one in found.question.options]
    return Overlap(
        answers=tuple((option[a], option[b]) for a, b in zip(first.tolist(), second.tolist(), strict=True)),
        conversations=tuple(found.conversations[i] for i in drawn),
        labels=len(found),
    )


def conversations(labels: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The conversation (labels,) of each burst: lengths are geometric, with a mean of ``CONVERSATION``."""
    ends = np.cumsum(rng.geometric(1 / CONVERSATION, labels))
    return np.searchsorted(ends, np.arange(labels), side="right")


def spoil(right: Floats, small_wrong: NDArray[np.bool_], fault: Fault, rng: np.random.Generator) -> Floats:
    """Labels (n,), 1 and -1, with the fault put in: exact shares, as far as the small rung errs so often."""
    given = right.copy()
    flipped = rng.permutation(len(right))[: round(fault.flipped * len(right))]
    given[flipped] *= -1
    leaning = rng.permutation(np.flatnonzero(small_wrong))[: round(fault.biased * len(right))]
    given[leaning] = -right[leaning]
    return given
