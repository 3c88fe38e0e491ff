"""What follows from a verdict that lets nothing pass: labels, second looks, another wording, or another training.

The order is that of cost and of what has to be known first: with too few labels nothing can be told; where people
disagree among each other, more of their labels do not help; a few dozen second looks are cheaper than asking everything
anew in other words. Checks are known by their names alone, and by the figures ``missing``, ``labels``, ``p`` and
``unlearned``.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from models.evidence import Check, Outcome, Verdict
from models.ids import QuestionId
from models.question import versions
from models.settings import Settings
from models.step import Move, Step
from models.store import steps, suspects
from models.store.database import Database
from models.suspects import THRESHOLD
from retrain.revision.adopt import fill_after
from retrain.scaling.checks import UNLEARNED
from retrain.scaling.ladder import Ladder
from retrain.scaling.plenty import PLENTY

LEAST_MORE = 50
"""Labels proposed at the least where a check does not say how many it misses."""


def act(db: Database, settings: Settings, verdict: Verdict, ladders: Sequence[Ladder], at: datetime) -> Step | None:
    """Write down what follows from a verdict, and return it; None where the candidate passed.

    The ladders that it was judged by become what the last round of revision came to, where nothing did yet.
    """
    fill_after(db, ladders, verdict.candidate)
    waiting = suspects.unreviewed(db, versions(settings.questions))
    ready = Counter(one.question for one in waiting if one.suspicion >= THRESHOLD)
    step = next_step(verdict, [q.id for q in settings.questions], ready, settings.gate.holdout_share)
    steps.put(db, verdict.candidate, step, at)
    return step


def next_step(
    verdict: Verdict, questions: Sequence[QuestionId], ready: Mapping[QuestionId, int], holdout_share: float
) -> Step | None:
    """Choose the one step that a verdict calls for. Pure.

    ``ready`` are suspect labels that were not looked at again yet, by question; ``holdout_share`` (0..1) turns labels
    that are missing where they are held out or trained on into labels in all.
    """
    if verdict.outcome is Outcome.PASS:
        return None
    of = {check.name: question_of(check, questions) for check in verdict.checks}
    troubled = [check for check in verdict.checks if check.outcome is not Outcome.PASS]
    failed = [check for check in troubled if check.outcome is Outcome.FAIL]
    step = _too_few(troubled) or _disagreeing(failed, of) or _unlearned(troubled, of) or _suspect(troubled, of, ready)
    step = step or _misleading(failed, of, verdict.checks)
    short = [check for check in troubled if {"labels", "missing"} & set(check.figures)]
    if step is None and (failed or not short):
        first = (failed or troubled)[0]
        return Step(move=Move.TRAIN, question=of[first.name], count=0, reason=first.reason)
    if step is None:
        worst = max(short, key=lambda check: _missing(check, holdout_share))
        count = _missing(worst, holdout_share)
        return Step(move=Move.LABEL, question=of[worst.name], count=count, reason=worst.reason)
    return step


Subjects = Mapping[str, QuestionId | None]
"""The question that each check is about, by the check's name."""


def _too_few(troubled: Sequence[Check]) -> Step | None:
    """Before there are enough labels nothing else can be told."""
    short = next((check for check in troubled if check.name == "labels"), None)
    if short is None:
        return None
    return Step(move=Move.LABEL, question=None, count=int(short.figures.get("missing", 0)), reason=short.reason)


def _disagreeing(failed: Sequence[Check], of: Subjects) -> Step | None:
    """Where people disagree with each other, neither more labels nor second looks help: the words do."""
    check = next((check for check in failed if check.name.startswith("agreement")), None)
    return None if check is None else _revise(of[check.name], check, "people do not agree on the answers")


def _unlearned(troubled: Sequence[Check], of: Subjects) -> Step | None:
    """Rungs that learned nothing name no suspects worth a look; what untrained ones say against labels stays."""
    blamed = {of[check.name] for check in troubled if _is(check, "vanilla") and check.outcome is Outcome.FAIL}
    check = next((c for c in troubled if UNLEARNED in c.figures and of[c.name] not in blamed), None)
    return None if check is None else Step(move=Move.TRAIN, question=of[check.name], count=0, reason=check.reason)


def _suspect(troubled: Sequence[Check], of: Subjects, ready: Mapping[QuestionId, int]) -> Step | None:
    for check in troubled:
        question = of[check.name]
        count = 0 if question is None else ready.get(question, 0)
        if _about_labels(check) and "low" in check.figures and count:  # measured, not only short of labels
            return Step(move=Move.SUSPECTS, question=question, count=count, reason=check.reason)
    return None


def _misleading(failed: Sequence[Check], of: Subjects, checks: Sequence[Check]) -> Step | None:
    for check in failed:
        why = _wording_fault(check, [one for one in checks if of[one.name] == of[check.name]])
        if why is not None:
            return _revise(of[check.name], check, why)
    return None


def question_of(check: Check, questions: Sequence[QuestionId]) -> QuestionId | None:
    """The question that a check is about, by the words of its name; None where it is about all."""
    words = check.name.replace(",", " ").split()
    return next((question for question in questions if question in words), None)


def _about_labels(check: Check) -> bool:
    return check.name.startswith(("label noise", "label bias"))


def _is(check: Check, arm: str) -> bool:
    return check.name.startswith(("ladder", "scaling")) and check.name.endswith(arm)


def _rises(check: Check) -> bool:
    """Tell whether a trend was tested and rises; an uninformative ladder passes without one."""
    return check.outcome is Outcome.PASS and "p" in check.figures


def _wording_fault(check: Check, beside: Sequence[Check]) -> str | None:
    """Why a failed check points at the question's words, or None where it does not.

    Untrained rungs know nothing but the words, so these are at fault where the untrained ladder fails; where only the
    tuned one does, the training is.
    """
    if _about_labels(check):
        return "no suspect label is left that was not looked at again, and the labels still look wrong"
    if _is(check, "vanilla"):
        return "larger models that were not trained do not agree better with the labels in these words"
    if _is(check, "tuned") and not any(_is(one, "vanilla") and _rises(one) for one in beside):
        return "with plenty of labels the ladder rises neither untrained nor tuned"
    return None


def _revise(question: QuestionId | None, check: Check, why: str) -> Step:
    return Step(move=Move.REVISE, question=question, count=0, reason=f"{why}: {check.reason}")


def _missing(check: Check, holdout_share: float) -> int:
    """Labels in all that a check misses; where it does not say, as many again as it saw."""
    seen = check.figures.get("labels", 0.0)
    missing = check.figures.get("missing") or max(float(LEAST_MORE), seen)
    if "ladder" in check.name:  # near no effect the figure is a guess without bound; from PLENTY on no rise is told
        missing = min(missing, PLENTY - seen if seen < PLENTY else max(float(LEAST_MORE), seen))
    if "challenger" in check.name or check.name.startswith(("slices", "sureness")):
        return math.ceil(missing / (holdout_share / 2))  # half of the holdout is for the gate
    trained_on = "ladder" in check.name or _about_labels(check)
    return math.ceil(missing / (1 - holdout_share)) if trained_on else math.ceil(missing)
