"""``quandary bench accuracy``: models beside what one would take instead of them, on the same labelled rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import InputError
from models.ids import BurstId, QuestionId
from models.item import Item
from models.labelled import read_items, read_json_lines
from models.llama import gguf_of
from models.metrics import Floats, Scored, clusters
from models.question import Question
from models.scoring import distribution, positive_probability
from models.settings import Settings
from retrain.bench.contest import LEARNER, LEAST_CONVERSATIONS, RULE, View, contest
from retrain.candidate import read_gguf
from retrain.leakage import fair_split
from retrain.peer import cross_fit, labelled, peer_scores
from retrain.rule import RULES
from retrain.stage import Say

Given = Mapping[QuestionId, Mapping[BurstId, float]]
"""Positive probabilities from a file, by question and burst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One question on one set of rows.

    ``how`` says who was trained on what; ``left_out`` counts abstaining labels, ``unscored`` rows that some contender
    has no score for.
    """

    rows: str
    how: str
    question: str
    labels: int
    positives: int
    conversations: int
    left_out: int
    unscored: int
    note: str
    views: tuple[View, ...]

    def body(self) -> dict[str, Any]:
        """The match as it is printed with --json."""
        return asdict(self)


def held_out(
    train: Path, dev: Path, models: Sequence[str], scores: Sequence[Path], settings: Settings, seed: int, say: Say
) -> list[Match]:
    """Judge on DEV: the rule, the learner trained on TRAIN, models (GGUF) as they are, and scores of DEV from files.

    Raises InputError where the files share a conversation or have no question in common.
    """
    questions = settings.questions
    learnt, judged = read_items(train, questions), read_items(dev, questions)
    if warning := fair_split(train, learnt, dev, judged):
        say(warning)
    readings: dict[str, Given] = {}
    for model in models:
        say(f"{dev.name}: {model} reads {len(judged)} bursts")
        readings[_free(Path(model).name, readings)] = _read(model, judged, settings)
    given = _given(scores, questions)
    matches = []
    for question in _common(questions, learnt, judged, dev):
        rows = labelled(question, judged)
        say(f"{dev.name}: the learner learns {question.id} from {len(labelled(question, learnt))} rows")
        found = {b: _positive(question, s) for b, s in peer_scores(question, learnt, rows).items()}
        everybody = {LEARNER: found, **{n: g.get(question.id, {}) for n, g in (readings | given).items()}}
        how = f"the learner was trained on {train.name}; models as they are"
        matches.append(_match(dev.name, how, question, judged, everybody, seed))
    return matches


def cross_fitted(
    train: Path, folds: int, scores: Sequence[Path], settings: Settings, seed: int, say: Say
) -> list[Match]:
    """Judge on TRAIN itself, out of fold by conversation: the rule, the learner, and out-of-fold scores from files.

    The learner's settings are those that do best in these very folds, which flatters it a little.
    """
    rows = read_items(train, settings.questions)
    given = _given(scores, settings.questions)
    matches = []
    for question in _common(settings.questions, rows, rows, train):
        kept = labelled(question, rows)
        say(f"{train.name}: the learner learns {question.id} in {folds} folds of {len(kept)} rows")
        fitted = cross_fit(question, kept, folds)
        found = {item.burst.id: p for item, p in zip(kept, fitted.positive.tolist(), strict=True)}
        everybody = {LEARNER: found, **{n: g.get(question.id, {}) for n, g in given.items()}}
        how = (
            f"the learner out of fold ({folds} folds by conversation; penalty 1/{fitted.settings.strength:g}, rows "
            f"counted {fitted.settings.balance}); files are taken at their word"
        )
        matches.append(_match(train.name, how, question, rows, everybody, seed))
    return matches


def _match(
    name: str,
    how: str,
    question: Question,
    items: Sequence[Item],
    everybody: Mapping[str, Mapping[BurstId, float]],
    seed: int,
) -> Match:
    """Set contenders against each other on the rows that all of them scored; who scored none is not there."""
    rows = labelled(question, items)
    there = {n: s for n, s in everybody.items() if any(item.burst.id in s for item in rows)}
    kept = [item for item in rows if all(item.burst.id in s for s in there.values())]
    if not kept:
        raise InputError(f"no row of {name} has a label and a score of every contender for {question.id}")
    contenders: dict[str, Floats] = {}
    if question.id in RULES:
        contenders[RULE] = np.array([float(RULES[question.id](item.burst)) for item in kept])
    contenders |= {n: np.array([s[item.burst.id] for item in kept]) for n, s in there.items()}
    columns = Scored(
        gold=np.array([item.answers[question.id] == question.positive for item in kept], dtype=np.float64),
        positive=np.zeros(len(kept)),
        weight=np.array([item.weight for item in kept], dtype=np.float64),
        sure=np.zeros(len(kept)),
        cluster=clusters([item.conversation for item in kept]),
    )
    conversations = len(np.unique(columns.cluster))
    few = f"{conversations} conversations cannot stand for others ({LEAST_CONVERSATIONS} at the least): no intervals"
    return Match(
        rows=name,
        how=how,
        question=question.id,
        labels=len(kept),
        positives=int(columns.gold.sum()),
        conversations=conversations,
        left_out=sum(question.id in item.answers for item in items) - len(rows),
        unscored=len(rows) - len(kept),
        note=few if conversations < LEAST_CONVERSATIONS else "",
        views=contest(columns, contenders, np.random.default_rng(seed)),
    )


def _common(questions: Sequence[Question], learnt: Sequence[Item], judged: Sequence[Item], dev: Path) -> list[Question]:
    found = [q for q in questions if labelled(q, learnt) and labelled(q, judged)]
    if not found:
        raise InputError(f"{dev} and its training rows have labels for no common question of config.toml")
    return found


def _read(model: str, items: Sequence[Item], settings: Settings) -> Given:
    readings = read_gguf(gguf_of(model), items, settings, lambda _done, _total: None)
    return {q.id: {b: _positive(q, s) for b, s in readings[q.id].items()} for q in settings.questions}


def _positive(question: Question, scores: Sequence[float]) -> float:
    return positive_probability(question, distribution(question, scores))


def _given(files: Sequence[Path], questions: Sequence[Question]) -> dict[str, Given]:
    """Read files of scores: {"id": row's id, "room": its room, "is_question": probability, ...} a line."""
    found: dict[str, Given] = {}
    for path in files:
        mine: dict[QuestionId, dict[BurstId, float]] = {q.id: {} for q in questions}
        for number, row in read_json_lines(path):
            try:
                burst = BurstId(f"{row['room']}:{row['id']}")
            except KeyError as error:
                raise InputError(f"{path}, line {number}: the field {error} is missing") from error
            for question in questions:
                value = row.get(question.id)
                if value is None:
                    continue
                if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                    raise InputError(f"{path}, line {number}: {question.id} is {value!r}, no probability")
                if burst in mine[question.id]:
                    raise InputError(f"{path}, line {number}: a second score of {burst} for {question.id}")
                mine[question.id][burst] = float(value)
        found[_free(path.stem, found)] = mine
    return found


def _free(name: str, taken: Mapping[str, object]) -> str:
    """A contender's name, told apart from those that are taken."""
    number = 2
    plain = name if name not in (RULE, LEARNER) else f"{name} (file)"
    name = plain
    while name in taken:
        name, number = f"{plain} {number}", number + 1
    return name
