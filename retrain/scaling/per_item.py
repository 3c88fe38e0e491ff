"""A ladder as JSON lines, one rung's reading of one labelled item a line: docs/formats.md has the form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import InputError
from models.ids import BurstId, OptionId, QuestionId
from models.labelled import read_json_lines
from models.question import Option, Question
from retrain.judged import Judged
from retrain.scaling.ladder import Ladder
from retrain.scaling.table import DENSE, LEAST_RUNGS, PARAMETERS, RUNG, flag, size

YES, NO = "yes", "no"
ARMS = ("vanilla", "tuned")
TINY = 1e-9


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
        raise InputError(f"{path} is empty")
    names = dict.fromkeys(line.question for line in lines)
    return [_ladder(path, name, [line for line in lines if line.question == name], positive) for name in names]


def _line(where: str, row: Mapping[str, Any], positive: str) -> Line:
    for column in (RUNG, PARAMETERS, "id", "gold"):
        if row.get(column) in (None, ""):
            raise InputError(f"{where}, column {column}: missing")
    arm = row.get("arm", ARMS[0])
    if arm not in ARMS:
        raise InputError(f"{where}, column arm: {arm!r} is neither {ARMS[0]} nor {ARMS[1]}")
    scores = _scores(where, row, positive)
    gold = row["gold"]
    gold = {True: YES, False: NO}[gold] if isinstance(gold, bool) else str(gold)
    if gold not in scores:
        raise InputError(f"{where}, column gold: {gold!r} is none of {', '.join(scores)}")
    return Line(
        where=where,
        question=str(row.get("question", "question")),
        arm=arm,
        rung=str(row[RUNG]),
        parameters=size(row[PARAMETERS], where),
        dense=flag(row.get(DENSE, ""), where),
        id=str(row["id"]),
        conversation=str(row.get("conversation", row["id"])),
        gold=gold,
        weight=_number(where, "weight", row.get("weight", 1.0), least=TINY),
        scores=scores,
    )


def _scores(where: str, row: Mapping[str, Any], positive: str) -> dict[str, float]:
    if "probability" in row:
        chance = _number(where, "probability", row["probability"], least=0.0, most=1.0)
        return {positive: math.log(max(chance, TINY)), NO: math.log(max(1 - chance, TINY))}
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
        if tuple(line.scores) != options:
            raise InputError(f"{line.where}, column scores: other answers than {', '.join(options)}")
    order = sorted(rungs.values(), key=lambda line: line.parameters)
    dense = [line.parameters for line in order if line.dense]
    if len(set(dense)) < max(LEAST_RUNGS, len(dense)):
        raise InputError(
            f"{path}: {len(set(dense))} sizes of {len(dense)} dense rungs for {name}; {LEAST_RUNGS} at the least are "
            "needed, no two of one size"
        )
    read = {
        arm: tuple(_judged(question, [x for x in lines if (x.arm, x.rung) == (arm, rung.rung)]) for rung in order)
        for arm in ARMS
        if any(line.arm == arm for line in lines)
    }
    first_read = next(iter(read.values()))[0]
    for arm, judged in read.items():
        for rung, rows in zip(order, judged, strict=True):
            if rows.ids != first_read.ids or not np.array_equal(rows.gold, first_read.gold):
                raise InputError(
                    f"{path}: {rung.rung} ({arm}) was not read on the same items and labels of {name} as "
                    f"{order[0].rung}: each rung needs a line for each item, with the same gold"
                )
    return Ladder(
        question=question,
        rungs=tuple(line.rung for line in order),
        parameters=tuple(line.parameters for line in order),
        vanilla=read.get("vanilla", ()),
        tuned=read.get("tuned", ()),
        dense=tuple(line.dense for line in order),
    )


def _judged(question: Question, lines: Sequence[Line]) -> Judged:
    rows = sorted(lines, key=lambda line: line.id)
    for first, second in pairwise(rows):
        if first.id == second.id:
            raise InputError(f"{second.where}, column id: {second.id} stands there more than once for {second.rung}")
    return Judged(
        question=question,
        scores=np.array([list(row.scores.values()) for row in rows]).reshape(len(rows), len(question.options)),
        gold=np.array([question.index(OptionId(row.gold)) for row in rows], dtype=np.int64),
        weight=np.array([row.weight for row in rows]),
        conversations=tuple(row.conversation for row in rows),
        ids=tuple(BurstId(row.id) for row in rows),
    )
