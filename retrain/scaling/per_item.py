"""A ladder as JSON lines, one rung's reading of one labelled item a line: docs/formats.md has the form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import InputError
from models.ids import BurstId, OptionId, QuestionId
from models.labelled import read_json_lines
from models.question import Option, Question
from retrain.judged import Judged
from retrain.scaling.ladder import Ladder
from retrain.scaling.table import DENSE, PARAMETERS, RUNG, flag, ladder_of, size

YES, NO = "yes", "no"
ARMS = ("vanilla", "tuned")
TINY = 1e-9
MOST_WEIGHT = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One rung's reading of one item: ``scores`` are log-probabilities (nats) by option."""

    where: str
    question: str
    arm: str
    rung: str
    parameters: int
    dense: bool
    id: str
    conversation: str
    gold: str
    weight: float
    scores: Mapping[str, float]


def read_per_item(path: Path, positive: str = YES) -> list[Ladder]:
    """Read one ladder a question; ``positive`` is the option that F1 is about.

    Raises InputError naming line and column.
    """
    lines = [_line(f"{path}, line {number}", row, positive) for number, row in read_json_lines(path)]
    if not lines:
        raise InputError(f"{path} is empty; docs/formats.md has the form of ladders by item")
    names = dict.fromkeys(line.question for line in lines)
    return [_ladder(path, name, [line for line in lines if line.question == name], positive) for name in names]


def _line(where: str, row: Mapping[str, Any], positive: str) -> Line:
    for column in (RUNG, PARAMETERS, "id", "gold"):
        if row.get(column) in (None, ""):
            raise InputError(f"{where}, column {column}: missing")
    if isinstance(row["id"], bool) or not isinstance(row["id"], str | int | float):
        raise InputError(f"{where}, column id: {row['id']!r} is neither a string nor a number")
    arm = _given(row, "arm", ARMS[0])
    if arm not in ARMS:
        raise InputError(f"{where}, column arm: {arm!r} is neither {ARMS[0]} nor {ARMS[1]}")
    scores = _scores(where, row, positive)
    gold = row["gold"]
    gold = {True: YES, False: NO}[gold] if isinstance(gold, bool) else str(gold)
    if gold not in scores:
        raise InputError(f"{where}, column gold: {gold!r} is none of {', '.join(scores)}")
    return Line(
        where=where,
        question=str(_given(row, "question", "question")),
        arm=arm,
        rung=str(row[RUNG]),
        parameters=size(row[PARAMETERS], where),
        dense=flag(_given(row, DENSE, ""), where),
        id=str(row["id"]),
        conversation=str(_given(row, "conversation", row["id"])),
        gold=gold,
        weight=_number(where, "weight", _given(row, "weight", 1.0), least=TINY, most=MOST_WEIGHT),
        scores=scores,
    )


def _given(row: Mapping[str, Any], column: str, otherwise: object) -> object:
    """A field that may be left out; null is as good as none."""
    return otherwise if row.get(column) is None else row[column]


def _scores(where: str, row: Mapping[str, Any], positive: str) -> dict[str, float]:
    if "probability" in row:
        chance = _number(where, "probability", row["probability"], least=0.0, most=1.0)
        other = NO if positive != NO else YES
        return {positive: math.log(max(chance, TINY)), other: math.log(max(1 - chance, TINY))}
    told = row.get("scores")
    if not isinstance(told, dict) or len(told) < 2:
        raise InputError(
            f"{where}: needs probability (of the answer {positive!r}, 0 to 1), or scores: log-probabilities by answer, "
            "two at the least"
        )
    if positive not in told:
        raise InputError(f"{where}, column scores: no answer {positive!r} among {', '.join(told)}; name it: --positive")
    return {str(option): _number(where, f"scores.{option}", value) for option, value in told.items()}


def _number(where: str, column: str, told: object, *, least: float = -math.inf, most: float = math.inf) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        raise InputError(f"{where}, column {column}: {told!r} is no number")
    if not least <= told <= most:
        raise InputError(f"{where}, column {column}: {told!r} is out of range")
    return float(told)


def _ladder(path: Path, name: str, lines: Sequence[Line], positive: str) -> Ladder:
    options = tuple(lines[0].scores)
    abstain = next((OptionId(o) for o in ("unsure", "abstain") if o in options and len(options) > 2), None)
    question = Question(
        id=QuestionId(name),
        text=name,
        definition=name,
        options=tuple(Option(id=OptionId(o), wording=o) for o in options),
        positive=OptionId(positive),
        abstain=abstain,
    )
    rungs = {line.rung: line for line in lines}
    for line in lines:
        first = rungs[line.rung]
        if (line.parameters, line.dense) != (first.parameters, first.dense):
            raise InputError(f"{line.where}, column {PARAMETERS}: {line.rung} is told otherwise in another line")
        if set(line.scores) != set(options):  # an object has no order
            raise InputError(f"{line.where}, column scores: other answers than {', '.join(options)}")
    order = sorted(rungs.values(), key=lambda line: line.parameters)
    ladder_of([(line.rung, line.parameters) for line in order if line.dense], f"{path}, question {name}")
    _same_items(path, lines)
    read = {
        arm: tuple(_judged(question, [x for x in lines if (x.arm, x.rung) == (arm, rung.rung)]) for rung in order)
        for arm in ARMS
        if any(line.arm == arm for line in lines)
    }
    return Ladder(
        question=question,
        rungs=tuple(line.rung for line in order),
        parameters=tuple(line.parameters for line in order),
        vanilla=read.get("vanilla", ()),
        tuned=read.get("tuned", ()),
        dense=tuple(line.dense for line in order),
    )


def _same_items(path: Path, lines: Sequence[Line]) -> None:
    """Every rung reads each item once in each arm that the file has, and all say the same of the item itself."""
    items = {line.id: line for line in reversed(lines)}
    arms, rungs = (dict.fromkeys(getattr(line, column) for line in lines) for column in ("arm", "rung"))
    seen: dict[tuple[str, str], set[str]] = {(arm, rung): set() for arm in arms for rung in rungs}
    for line in lines:
        first, known = items[line.id], seen[line.arm, line.rung]
        if line.id in known:
            raise InputError(f"{line.where}, column id: {line.id} stands there more than once for {line.rung}")
        known.add(line.id)
        for column in ("gold", "conversation", "weight"):
            if getattr(line, column) != getattr(first, column):
                raise InputError(
                    f"{line.where}, column {column}: {getattr(line, column)!r} for the item {line.id}, and "
                    f"{getattr(first, column)!r} in {first.where.removeprefix(f'{path}, ')}; rungs read the same items"
                )
    for (arm, rung), known in seen.items():
        if lacking := [name for name in items if name not in known]:
            raise InputError(
                f"{path}: {rung} ({arm}) has no line for {len(lacking)} of {len(items)} items, such as {lacking[-1]} "
                f"({items[lacking[-1]].where.removeprefix(f'{path}, ')}); each rung needs a line for each item"
            )


def _judged(question: Question, lines: Sequence[Line]) -> Judged:
    rows = sorted(lines, key=lambda line: line.id)
    return Judged(
        question=question,
        scores=np.array([[row.scores[option.id] for option in question.options] for row in rows]).reshape(
            len(rows), len(question.options)
        ),
        gold=np.array([question.index(OptionId(row.gold)) for row in rows], dtype=np.int64),
        weight=np.array([row.weight for row in rows]),
        conversations=tuple(row.conversation for row in rows),
        ids=tuple(BurstId(row.id) for row in rows),
    )
