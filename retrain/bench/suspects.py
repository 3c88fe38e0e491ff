"""``quandary bench suspects``: known wrong labels are put into labels taken for right, and looked for.

Labels are taken for right that are not all: what is found beside the planted ones counts as a false alarm, so precision
is a lower bound. Annotators are made up, for who labelled is in no public set: five, dealt at random.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from models.errors import InputError
from models.ids import BurstId
from models.item import Item
from models.metrics import Floats, clusters
from models.question import Question
from models.suspects import THRESHOLD, Reason
from retrain.bench.room_intervals import Counts, share_interval
from retrain.outliers import ALPHA
from retrain.peer import Fold, folded, labelled, out_of_fold
from retrain.stage import Say
from retrain.suspects import FOLDS, Opinions, Weighing, weigh

ANNOTATORS = 5
FLIPS = {"5% flips": 0.05, "10% flips": 0.1, "20% flips": 0.2}
BIASED = "biased"
NOISES = (*FLIPS, BIASED)
"""Share of labels flipped at random; or one of five says no wherever the burst has no question mark."""
LEAST_PLANTED = 5
Upper = Callable[[Question, Sequence[Item], Floats], Floats]
"""Out-of-fold probabilities (rungs, n) by a ladder's upper rungs, trained on the labels given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Labels (n,) with wrong ones among them: which are, and who gave each."""

    given: Floats
    wrong: NDArray[np.bool_]
    annotators: tuple[tuple[str, ...], ...]
    biased: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One question, one kind of noise, one seed. Shares are 0..1.

    ``chance``: wrong labels among all, which is the precision of sending any at random; ``precision``, ``recall`` and
    ``expected`` (mean suspicion) are of the ``sent``; ``at_planted``: precision of as many as were planted; ``auc``: of
    the ranking; ``confident_*``: of cleanlab's pruning on the same predictions; ``rungs_*``: of labels that all upper
    rungs agree against; ``false_alarms`` of ``honest`` annotators.
    """

    question: str
    noise: str
    seed: int
    labels: int
    planted: int
    chance: float
    sent: int
    precision: float
    recall: float
    expected: float
    at_planted: float
    auc: float
    confident_sent: int
    confident_precision: float
    confident_recall: float
    rungs_sent: int
    rungs_precision: float
    rungs_recall: float
    biased_found: int
    biased: int
    false_alarms: int
    honest: int
    by_room: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Means over seeds, each with the half-width of its 95 % interval over seeds (Student's t; None for one seed).

    ``over_rooms``: 95 % intervals of shares over conversations, the seeds being what they are.
    """

    question: str
    noise: str
    seeds: int
    figures: Mapping[str, tuple[float, float | None]]
    over_rooms: Mapping[str, tuple[float, float]]


def random_flips(given: Floats, share: float, rng: np.random.Generator) -> Planted:
    """Flip each label with a probability; five honest annotators."""
    wrong = rng.random(len(given)) < share
    dealt = rng.integers(ANNOTATORS, size=len(given))
    return Planted(
        given=np.where(wrong, 1 - given, given),
        wrong=wrong,
        annotators=tuple((f"a{i}",) for i in dealt),
        biased=(),
    )


def biased_annotator(given: Floats, marked: NDArray[np.bool_], rng: np.random.Generator) -> Planted:
    """One of five says no to every burst without a question mark (``marked`` (n,): those with one)."""
    dealt = rng.integers(ANNOTATORS, size=len(given))
    wrong = (dealt == 0) & ~marked & (given > 0.5)
    return Planted(
        given=np.where(wrong, 0.0, given),
        wrong=wrong,
        annotators=tuple((f"a{i}",) for i in dealt),
        biased=("a0",),
    )


def run(
    questions: Sequence[Question],
    items: Sequence[Item],
    noises: Sequence[str],
    seeds: int,
    say: Say,
    upper: Upper | None = None,
) -> list[Run]:
    """Plant and look, question by question; raises InputError where nothing has labels of both answers."""
    found: list[Run] = []
    for question in questions:
        rows = labelled(question, items)
        truth = np.array([item.answers[question.id] == question.positive for item in rows], dtype=np.float64)
        if len(np.unique(truth)) < 2:
            continue
        marked = np.array(["?" in item.burst.text for item in rows], dtype=np.bool_)
        say(f"{question.id}: {len(rows)} labels")
        cut = folded(rows, FOLDS)
        for seed in range(seeds):
            for noise in noises:
                rng = np.random.default_rng([seed, NOISES.index(noise)])
                flips = FLIPS.get(noise)
                planted = biased_annotator(truth, marked, rng) if flips is None else random_flips(truth, flips, rng)
                if planted.wrong.sum() < LEAST_PLANTED:
                    continue
                say(f"{question.id}: {noise}, seed {seed}")
                found.append(_looked(question, rows, planted, cut, noise, seed, upper))
    if not found:
        raise InputError("no question has labels of both answers, and enough of them, in these rows")
    return found


def _looked(
    question: Question,
    rows: Sequence[Item],
    planted: Planted,
    cut: Sequence[Fold],
    noise: str,
    seed: int,
    upper: Upper | None,
) -> Run:
    opinions = Opinions(
        question=question,
        ids=tuple(item.burst.id for item in rows),
        conversations=tuple(item.conversation for item in rows),
        given=planted.given,
        annotators=planted.annotators,
        upper=np.zeros((0, len(rows))) if upper is None else upper(question, rows, planted.given),
        peer=out_of_fold(planted.given, cut),
    )
    wrong = dict(zip(opinions.ids, planted.wrong.tolist(), strict=True))
    room = dict(zip(opinions.ids, clusters(opinions.conversations).tolist(), strict=True))
    return judged_run(weigh(opinions), wrong, room, planted, noise, seed)


def judged_run(
    weighing: Weighing,
    wrong: Mapping[BurstId, bool],
    room: Mapping[BurstId, int],
    planted: Planted,
    noise: str,
    seed: int,
) -> Run:
    """Count what a weighing found of the planted; ``room`` numbers each burst's conversation, from 0."""
    ranked = weighing.ranked
    bad = np.array([wrong[w.burst] for w in ranked], dtype=np.bool_)
    suspicion = np.array([w.suspicion for w in ranked])
    sent = suspicion >= THRESHOLD
    confident = np.array([Reason.CONFIDENT in w.reasons for w in ranked], dtype=np.bool_)
    rungs = np.array([Reason.RUNGS in w.reasons for w in ranked], dtype=np.bool_)
    ways = np.stack([sent, confident, rungs, np.ones_like(sent)])
    rooms = np.array([room[w.burst] for w in ranked], dtype=np.int64)
    names = {name for row in planted.annotators for name in row}
    odd = {tally.annotator for tally in weighing.tallies if tally.outlier}
    count = int(bad.sum())
    return Run(
        question=ranked[0].question,
        noise=noise,
        seed=seed,
        labels=len(ranked),
        planted=count,
        chance=float(bad.mean()),
        sent=int(sent.sum()),
        precision=_share(bad[sent]),
        recall=float(bad[sent].sum() / count),
        expected=_share(suspicion[sent]),
        at_planted=_share(bad[:count]),
        auc=auc(suspicion, bad),
        confident_sent=int(confident.sum()),
        confident_precision=_share(bad[confident]),
        confident_recall=float(bad[confident].sum() / count),
        rungs_sent=int(rungs.sum()),
        rungs_precision=_share(bad[rungs]),
        rungs_recall=float(bad[rungs].sum() / count),
        biased_found=len(odd & set(planted.biased)),
        biased=len(planted.biased),
        false_alarms=len(odd - set(planted.biased)),
        honest=len(names - set(planted.biased)),
        by_room=np.stack([[_by_room(rooms, way), _by_room(rooms, way & bad)] for way in ways]),
    )


def auc(score: Floats, bad: NDArray[np.bool_]) -> float:
    """Chance that a wrong label is ranked above a right one, ties counting half (Mann-Whitney)."""
    wrong, right = int(bad.sum()), int((~bad).sum())
    return float((rankdata(score)[bad].sum() - wrong * (wrong + 1) / 2) / (wrong * right)) if wrong and right else 0.5


def summaries(runs: Sequence[Run]) -> list[Summary]:
    """Average over seeds, in the order of the runs."""
    found = []
    for question, noise in dict.fromkeys((r.question, r.noise) for r in runs):
        same = [r for r in runs if (r.question, r.noise) == (question, noise)]
        mine = [_figures(r) for r in same]
        figures = {key: _estimate([row[key] for row in mine]) for key in mine[0] if key not in _NAMES}
        found.append(
            Summary(
                question=question,
                noise=noise,
                seeds=len(mine),
                figures=figures,
                over_rooms=_over_rooms([r.by_room for r in same]),
            )
        )
    return found


def body(runs: Sequence[Run]) -> dict[str, Any]:
    """Everything, as it is printed with --json."""
    honest = sum(r.honest for r in runs)
    return {
        "threshold": THRESHOLD,
        "alpha": ALPHA,
        "false_alarm_rate": sum(r.false_alarms for r in runs) / honest if honest else None,
        "honest": honest,
        "summaries": [asdict(s) for s in summaries(runs)],
        "runs": [_figures(r) for r in runs],
    }


_NAMES = ("question", "noise", "seed")
_WAYS = ("", "confident_", "rungs_")


def _figures(one: Run) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if key != "by_room"}


def _by_room(rooms: Counts, chosen: NDArray[np.bool_]) -> Counts:
    found: Counts = np.bincount(rooms[chosen], minlength=int(rooms.max()) + 1)
    return found


def _over_rooms(counted: Sequence[Counts]) -> dict[str, tuple[float, float]]:
    """Intervals of precision and recall of each way, and of chance, from each seed's ``by_room``."""
    everything = [one[-1] for one in counted]
    shares = {"chance": ([bad for _, bad in everything], [all_of for all_of, _ in everything])}
    for place, way in enumerate(_WAYS):
        found = [one[place] for one in counted]
        shares[f"{way}precision"] = ([bad for _, bad in found], [sent for sent, _ in found])
        shares[f"{way}recall"] = ([bad for _, bad in found], [bad for _, bad in everything])
    told = {name: share_interval(part, whole) for name, (part, whole) in shares.items()}
    return {name: interval for name, interval in told.items() if interval is not None}


def _share(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _estimate(values: Sequence[float]) -> tuple[float, float | None]:
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None
    return mean, float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
