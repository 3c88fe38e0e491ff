"""Real ladders with wrong labels put in, tuned by LoRA: cross-fitted as the learning cycle does it.

Conversations and wrong labels are drawn, then every rung is trained on what is spoilt, out of fold, all questions in
one adapter, and judged on it. A rung that training made worse is not trained again at a tenth of the rate here. That
costs minutes a ladder. Each fold's readings stay in the work folder by the hash of what made them, and a training that
was stopped goes on from its state, so that the same command ends what it began.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.errors import InputError
from models.evidence import Check
from models.ids import BurstId, OptionId, QuestionId
from models.item import Item
from models.question import Question
from models.settings import GateSettings, Settings
from retrain.bench.gate.cases import Case
from retrain.bench.gate.made import Fault, spoil
from retrain.bench.gate.rates import Rates, rates
from retrain.bench.gate.real import LEAST, drawn, read_rungs
from retrain.climb import ladders
from retrain.judged import Scores, answered, judged
from retrain.ladder import Course, Rung, cross_fit
from retrain.peer import labelled
from retrain.scaling.checks import ladder_checks
from retrain.scaling.ladder import Ladder
from retrain.stage import Say, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Rungs, smallest first, that have read labelled rows vanilla, and the course on which they are to be tuned."""

    rungs: tuple[Rung, ...]
    items: tuple[Item, ...]
    course: Course


def read_untuned(
    items: Sequence[Item],
    settings: Settings,
    rungs: Sequence[str],
    work: Path,
    say: Say,
    *,
    epochs: int,
    batch: int,
    unseen: bool = False,
) -> Family:
    """Read every rung vanilla; rows count once each.

    ``epochs`` and ``batch`` stand in for those of the settings where they are not 0; ``unseen``: no rung has learned
    from these rows. Raises InputError for a rung that learned from gold labels where that is not said, and where no
    question has enough labels.
    """
    rows = [replace(item, weight=1.0) for item in items]
    if not any(len(labelled(q, rows)) >= LEAST for q in settings.questions):
        raise InputError(f"no question of config.toml has {LEAST} labels in these rows")
    course = Course.of(settings, work, told(say))
    read = read_rungs(rungs, rows, course, unseen=unseen)
    given = {"epochs": epochs, "batch": batch}
    train = course.train.model_copy(update={name: value for name, value in given.items() if value})
    return Family(rungs=tuple(read), items=tuple(rows), course=replace(course, train=train))


def run_tuned(
    family: Family, cases: Sequence[Case], sizes: Sequence[int], runs: int, gate: GateSettings, seed: int
) -> list[Rates]:
    """Count on ladders tuned by LoRA, with conversations drawn anew each run, the same ones for all cases.

    ``sizes`` are numbers of rows; of questions that not every row has a label for there are fewer labels.
    """
    found: list[Rates] = []
    for size in dict.fromkeys(min(size, len(family.items)) for size in sizes):
        told: dict[tuple[str, QuestionId], list[tuple[list[Check], float, int]]] = defaultdict(list)
        for run in range(runs):
            names = [item.conversation for item in family.items]
            rows = [family.items[i] for i in drawn(names, size, np.random.default_rng([seed, size, run]))]
            for case in cases:
                for ladder, wrong in tuned_ladders(family, rows, case.fault, np.random.default_rng([seed, size, run])):
                    checks = ladder_checks(ladder, gate, np.random.default_rng([seed, run]))
                    told[case.name, ladder.question.id].append((checks, wrong, len(ladder.tuned[0])))
        for question in family.course.questions:
            source = f"{question.id}, LoRA ({family.rungs[0].name} to {family.rungs[-1].name})"
            for case in cases:
                if seen := told[case.name, question.id]:
                    labels = round(float(np.mean([one[2] for one in seen])))
                    found.append(rates(source, case.name, labels, [one[0] for one in seen], [one[1] for one in seen]))
    return found


def tuned_ladders(
    family: Family, rows: Sequence[Item], fault: Fault, rng: np.random.Generator
) -> list[tuple[Ladder, float]]:
    """Put wrong labels in, cross-fit every rung on them, and build each question's ladder; with the share turned.

    Labels that lean to the small rung are turned to what it says where it was cross-fitted on the right ones. Labels
    that abstain stay as they are. A question with fewer than ``LEAST`` others gets no ladder.
    """
    course = family.course
    given, turned = list(rows), {}
    # The smallest rung on the right labels: who leans to it is taken to have had a model of that size, trained.
    small = cross_fit(family.rungs[0], rows, course).tuned if fault.biased else {}
    for question in course.questions:
        if len(labelled(question, rows)) >= LEAST:
            given, turned[question.id] = spoilt(question, given, fault, small.get(question.id, {}), rng)
    fitted = [cross_fit(rung, given, course) for rung in family.rungs]
    return [(one, turned[one.question.id]) for one in ladders(_named(course, turned), fitted, given)]


def spoilt(
    question: Question, rows: Sequence[Item], fault: Fault, small: Scores, rng: np.random.Generator
) -> tuple[list[Item], float]:
    """The rows with one question's labels spoilt, and the share (0..1) of these that were turned.

    ``small``: what the smallest rung says of the rows, where labels are to lean to it.
    """
    mine = labelled(question, rows)
    right = np.array([1.0 if item.answers[question.id] == question.positive else -1.0 for item in mine])
    wrong = np.zeros(len(mine), dtype=np.bool_)
    if fault.biased:
        wrong = (answered(judged(question, mine, small)) >= 0.5) != (right > 0)
    changed = np.flatnonzero(spoil(right, wrong, fault, rng) != right)
    answer: dict[BurstId, OptionId] = {
        mine[i].burst.id: question.negatives[0] if right[i] > 0 else question.positive for i in changed
    }
    given = [
        replace(item, answers={**item.answers, question.id: answer[item.burst.id]}) if item.burst.id in answer else item
        for item in rows
    ]
    return given, len(answer) / len(mine)


def _named(course: Course, wanted: Mapping[QuestionId, float]) -> tuple[Question, ...]:
    return tuple(question for question in course.questions if question.id in wanted)
