"""Evidence on disk: what a verdict was judged from, as numbers and ids without a word of chat.

It lies beside the candidate, so that a verdict can be judged again under other settings or a later gate.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ExportError, InputError
from models.evidence import EVIDENCE
from models.ids import BurstId, OptionId, QuestionId
from models.question import Question, versions
from models.replacement import replacing
from retrain.checks.agreement import Overlap
from retrain.checks.cost import Cost
from retrain.checks.obedience import Obedience
from retrain.checks.trial import Trial
from retrain.gate import Evidence
from retrain.judged import Judged
from retrain.leakage import Leakage
from retrain.parity import Drift
from retrain.scaling.ladder import Ladder
from retrain.scaling.setback import Setback

FILE = EVIDENCE


class ChangedWordsError(InputError):
    """The evidence is whole, and about questions that have other words since."""


def write_evidence(evidence: Evidence, questions: Sequence[Question], path: Path) -> None:
    """Write evidence aside, then rename; raises ExportError."""
    body = {
        "question_versions": dict(versions(questions)),
        "labels": evidence.labels,
        "ladders": [
            {
                "question": ladder.question.id,
                "rungs": list(ladder.rungs),
                "parameters": list(ladder.parameters),
                "dense": list(ladder.dense),
                "untuned": list(ladder.untuned),
                "vanilla": [_columns(rows) for rows in ladder.vanilla],
                "tuned": [_columns(rows) for rows in ladder.tuned],
                "setbacks": [asdict(setback) for setback in ladder.setbacks],
            }
            for ladder in evidence.ladders
        ],
        "champion": {q: _columns(rows) for q, rows in evidence.champion.items()},
        "challenger": {q: _columns(rows) for q, rows in evidence.challenger.items()},
        "cheap": {q: _columns(rows) for q, rows in evidence.cheap.items()},
        "export": asdict(evidence.export),
        "drift": asdict(evidence.drift),
        "leakage": None if evidence.leakage is None else asdict(evidence.leakage),
        "agreement": None if evidence.agreement is None else {q: asdict(o) for q, o in evidence.agreement.items()},
        "slices": None if evidence.slices is None else {i: list(names) for i, names in evidence.slices.items()},
        "temperatures": None if evidence.temperatures is None else dict(evidence.temperatures),
        "champion_trial": None if evidence.champion_trial is None else asdict(evidence.champion_trial),
        "challenger_trial": None if evidence.challenger_trial is None else asdict(evidence.challenger_trial),
    }
    try:
        with replacing(path) as aside:
            aside.write_text(json.dumps(body), encoding="utf-8")
    except OSError as error:
        raise ExportError(f"could not write {path}: {error}; nothing was changed") from error


def read_evidence(path: Path, questions: Sequence[Question]) -> Evidence:
    """Read evidence; raises InputError where it is missing or damaged.

    Where questions have other words since, the error is a ChangedWordsError.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["question_versions"] != dict(versions(questions)):
            raise ChangedWordsError(
                f"{path} is about questions whose wording has changed since; `quandary cycle` trains and judges anew"
            )
        by_id = {q.id: q for q in questions}
        found = Evidence(
            labels=int(body["labels"]),
            ladders=tuple(_ladder(row, by_id[row["question"]]) for row in body["ladders"]),
            champion={q: _judged(rows, by_id[q]) for q, rows in body["champion"].items()},
            challenger={q: _judged(rows, by_id[q]) for q, rows in body["challenger"].items()},
            # Older evidence lacks what later checks look at; the gate then says so.
            cheap={q: _judged(rows, by_id[q]) for q, rows in body.get("cheap", {}).items()},
            export=Drift(**body["export"]),
            drift=Drift(**body["drift"]),
            leakage=None if body.get("leakage") is None else Leakage(**body["leakage"]),
            agreement=_agreement(body.get("agreement")),
            slices=body.get("slices"),
            temperatures=body.get("temperatures"),
            champion_trial=_trial(body.get("champion_trial")),
            challenger_trial=_trial(body.get("challenger_trial")),
        )
        _check(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        told = error.strerror if isinstance(error, OSError) else f"it is damaged ({error!r})"
        raise InputError(
            f"the evidence {path} is not readable: {told}; bring it back from a backup, or train and judge anew with "
            "`quandary cycle`"
        ) from error
    return found


def _check(evidence: Evidence) -> None:
    """Hold what belongs together against each other; raises ValueError."""
    for ladder in evidence.ladders:
        rungs, tuned = len(ladder.rungs), len(ladder.rungs) - len(ladder.untuned)
        arms = ((ladder.vanilla, rungs), (ladder.tuned, tuned))
        if len(ladder.parameters) != rungs or len(ladder.dense) not in (0, rungs):
            raise ValueError(f"the rungs of {ladder.question.id} and their sizes are not as many")
        if any(len(arm) not in (0, count) for arm, count in arms):
            raise ValueError(f"the rungs of {ladder.question.id} and their readings are not as many")
        if len({rows.ids for arm, _ in arms for rows in arm}) > 1:
            raise ValueError(f"the rungs of {ladder.question.id} were not read on the same labels")
    for rivals in (evidence.champion, evidence.cheap):
        for question, rows in rivals.items():
            if rows.ids != evidence.challenger[question].ids:
                raise ValueError(f"the rivals were not read on the same labels of {question}")
    slices = {} if evidence.slices is None else evidence.slices
    if not all(isinstance(names, list) for names in slices.values()):
        raise ValueError("the slices are no lists of names")


def _trial(body: Mapping[str, Any] | None) -> Trial | None:
    return None if body is None else Trial(cost=Cost(**body["cost"]), obedience=Obedience(**body["obedience"]))


def _agreement(body: Mapping[str, Any] | None) -> dict[QuestionId, Overlap] | None:
    if body is None:
        return None
    return {
        QuestionId(question): Overlap(
            answers=tuple(tuple(OptionId(option) for option in answers) for answers in row["answers"]),
            conversations=tuple(row["conversations"]),
            labels=int(row["labels"]),
        )
        for question, row in body.items()
    }


def _columns(rows: Judged) -> dict[str, Any]:
    return {
        "scores": np.round(rows.scores, 6).tolist(),
        "gold": rows.gold.tolist(),
        "weight": rows.weight.tolist(),
        "conversations": list(rows.conversations),
        "ids": list(rows.ids),
    }


def _judged(body: Mapping[str, Any], question: Question) -> Judged:
    count, width = len(body["gold"]), len(question.options)
    rows = Judged(
        question=question,
        scores=np.array(body["scores"], dtype=np.float64).reshape(count, width),
        gold=np.array(body["gold"], dtype=np.int64),
        weight=np.array(body["weight"], dtype=np.float64),
        conversations=tuple(body["conversations"]),
        ids=tuple(BurstId(i) for i in body["ids"]),
    )
    if {len(rows.weight), len(rows.conversations), len(rows.ids)} != {count}:
        raise ValueError(f"columns of {question.id} are not of one length")
    if np.isnan(rows.scores).any() or not (rows.weight > 0).all() or not np.isin(rows.gold, range(width)).all():
        raise ValueError(f"a score, a weight or a label of {question.id} is none")
    return rows


def _ladder(body: Mapping[str, Any], question: Question) -> Ladder:
    return Ladder(
        question=question,
        rungs=tuple(body["rungs"]),
        parameters=tuple(body["parameters"]),
        # Older evidence has dense rungs only, all of them tuned.
        dense=tuple(body.get("dense", ())),
        untuned=tuple(body.get("untuned", ())),
        vanilla=tuple(_judged(rows, question) for rows in body["vanilla"]),
        tuned=tuple(_judged(rows, question) for rows in body["tuned"]),
        setbacks=tuple(Setback(**row) for row in body.get("setbacks", ())),  # older evidence knows none
    )
