"""The gate: evidence in, verdict with reasons out. Pure; every figure a maintainer sees comes from here.

It fails if any check fails, else it is inconclusive if any check is, else it passes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.stats import binom

from models.evidence import Check, Outcome, Verdict
from models.ids import CandidateId, QuestionId
from models.metrics import macro_f1
from models.question import Question
from models.settings import GateSettings
from retrain.judged import Judged, scored
from retrain.parity import Drift
from retrain.rivals import LEAST_OF_EACH, challenger_check, cheap_check
from retrain.trend import GUESS, Trend, beats_baseline, better_smaller, majority, page_trend

GATE_VERSION = "3"
PLENTY = 500
"""With so many labels of a question, a ladder without a rise is a fault and no lack of labels."""
PLENTY_CONVERSATIONS = 20
"""... if they come from so many conversations: Page's test gains its power from blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """One question over the rungs, smallest first: every rung judged the same items, tuned rungs out of fold."""

    question: Question
    rungs: tuple[str, ...]
    parameters: tuple[int, ...]
    vanilla: tuple[Judged, ...]
    tuned: tuple[Judged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the gate looks at. Champion and challenger are the serving files, scored on the gate half of the holdout.

    ``cheap`` is the cheap learner (retrain/peer.py), trained as the challenger was and scored on the same labels.
    """

    labels: int
    ladders: tuple[Ladder, ...]
    champion: Mapping[QuestionId, Judged]
    challenger: Mapping[QuestionId, Judged]
    cheap: Mapping[QuestionId, Judged]
    export: Drift
    """The unquantized GGUF against the checkpoint."""
    drift: Drift
    """The file that would serve against the checkpoint."""


def judge(
    evidence: Evidence,
    gate: GateSettings,
    *,
    candidate: CandidateId,
    judged_at: datetime,
    rng: np.random.Generator,
    picture: str | None = None,
) -> Verdict:
    """Weigh the evidence for a candidate."""
    checks = [labels_check(evidence.labels, gate)]
    read = [ladder for ladder in evidence.ladders if ladder.rungs]
    for ladder in read:
        checks.append(vanilla_check(ladder, gate, rng))
        checks.append(tuned_check(ladder, gate, rng))
    if not read or len(read) < len(evidence.ladders):
        checks.append(_absent("ladder", "no rung was read for at least one question, so no ladder speaks for it"))
    for question, champion in evidence.champion.items():
        checks.append(challenger_check(champion, evidence.challenger[question], gate, rng))
    if not evidence.champion:
        checks.append(_absent("challenger", "the candidate was compared with no champion on any question"))
    for question, cheap in evidence.cheap.items():
        checks.append(cheap_check(cheap, evidence.challenger[question], gate, rng))
    if not evidence.cheap:
        checks.append(_absent("cheap challenger", "the candidate was not compared with the cheap learner; train anew"))
    checks.append(drift_check("export", "the unquantized GGUF", evidence.export, gate))
    checks.append(drift_check("quantization", "the file that would serve", evidence.drift, gate))
    return Verdict(
        candidate=candidate,
        outcome=overall(checks),
        checks=tuple(checks),
        gate_version=version(gate),
        judged_at=judged_at,
        picture=picture,
    )


def version(gate: GateSettings) -> str:
    """Version of the gate with a hash (8 hex digits) of its settings, so that a verdict under others is told apart."""
    told = json.dumps(gate.model_dump(), sort_keys=True)
    return f"{GATE_VERSION}+{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def overall(checks: Sequence[Check]) -> Outcome:
    """Fail if any check fails, else inconclusive if any is, else pass."""
    outcomes = {check.outcome for check in checks}
    for worst in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        if worst in outcomes:
            return worst
    return Outcome.PASS


def labels_check(labels: int, gate: GateSettings) -> Check:
    """Are there enough labelled bursts to conclude anything?"""
    missing = max(0, gate.min_labels - labels)
    reason = f"{labels} labelled bursts, at least {gate.min_labels} asked for"
    return Check(
        name="labels",
        outcome=Outcome.INCONCLUSIVE if missing else Outcome.PASS,
        reason=f"{reason}; {missing} more are needed" if missing else reason,
        figures={"labels": labels, "missing": missing, "min_labels": gate.min_labels},
    )


def vanilla_check(ladder: Ladder, gate: GateSettings, rng: np.random.Generator) -> Check:
    """Do vanilla rungs agree better with the labels as they grow? Uninformative where no rung knows anything.

    Uninformative is neither for nor against the candidate: it passes here because the tuned ladder is checked too.
    """
    name = f"ladder {ladder.question.id}, vanilla"
    top, smaller = ladder.vanilla[-1], ladder.vanilla[:-1]
    # Labels that small rungs agree with and the largest does not are the very fault to be found here. The level is
    # shared out, for one of several ignorant rungs will look good more often than one.
    if not beats_baseline(top, gate.alpha, rng) and not any(
        beats_baseline(rows, gate.alpha / len(smaller), rng) for rows in smaller
    ):
        columns = scored(top)
        figures = {"macro_f1": macro_f1(columns), "majority": majority(columns)}
        reason = (
            "uninformative, neither for nor against: vanilla, no rung surely beats the majority baseline and guessing "
            f"({ladder.rungs[-1]}: macro-F1 {figures['macro_f1']:.2f} against {figures['majority']:.2f} and {GUESS}); "
            "the tuned ladder decides"
        )
        return Check(name=name, outcome=Outcome.PASS, reason=reason, figures=figures)
    return _trend_check(name, ladder.vanilla, gate)


def tuned_check(ladder: Ladder, gate: GateSettings, rng: np.random.Generator) -> Check:
    """Do cross-fitted rungs agree better with the labels as they grow, and does the largest beat the majority?"""
    name = f"ladder {ladder.question.id}, tuned"
    top = ladder.tuned[-1]
    check = _trend_check(name, ladder.tuned, gate)
    if check.outcome is Outcome.FAIL or beats_baseline(top, gate.alpha, rng):
        return check
    columns = scored(top)
    figures = {**check.figures, "macro_f1": macro_f1(columns), "majority": majority(columns)}
    outcome = Outcome.FAIL if _plenty(top) else Outcome.INCONCLUSIVE
    reason = (
        f"tuned, {ladder.rungs[-1]} does not surely beat the majority baseline and guessing on {len(top)} labels "
        f"(macro-F1 {figures['macro_f1']:.2f} against {figures['majority']:.2f} and {GUESS}); {check.reason}"
    )
    return Check(name=name, outcome=outcome, reason=reason, figures=figures)


def drift_check(name: str, file: str, drift: Drift, gate: GateSettings) -> Check:
    """Does a file decide as the checkpoint does?"""
    figures = {"mean": drift.mean, "largest": drift.largest, "flips": drift.flips, "decisions": drift.decisions}
    figures |= {"max_flip_rate": gate.max_flip_rate}
    reason = (
        f"{file} flips {drift.flips} of {drift.decisions} decisions of the checkpoint (at most "
        f"{gate.max_flip_rate:.1%} allowed); option scores drift by {drift.mean:.3f} nats on average"
    )
    if drift.decisions and drift.flip_rate <= gate.max_flip_rate:
        return Check(name=name, outcome=Outcome.PASS, reason=reason, figures=figures)
    chance = float(binom.sf(drift.flips - 1, drift.decisions, gate.max_flip_rate)) if drift.decisions else 1.0
    outcome = Outcome.FAIL if chance < gate.alpha else Outcome.INCONCLUSIVE
    return Check(name=name, outcome=outcome, reason=reason, figures=figures)


def _absent(name: str, reason: str) -> Check:
    return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures={})


def _trend_check(name: str, rungs: Sequence[Judged], gate: GateSettings) -> Check:
    labels = len(rungs[0])
    trend = page_trend(rungs, gate.alpha)
    if trend is None:
        reason = f"no trend can be tested with {len(rungs)} rung(s) and {labels} labels: three rungs and conversations"
        return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=f"{reason} are needed", figures={"labels": labels})
    figures = {"p": trend.p_rise, "p_fall": trend.p_fall, "labels": trend.items, "conversations": trend.blocks}
    figures |= {"strict_rise": float(trend.strict_rise), "alpha": gate.alpha}
    told = (
        f"over {trend.blocks} conversations with {trend.items} labels (Page's test, p = {trend.p_rise:.3f}; precision "
        f"{'rises' if trend.strict_rise else 'does not rise'} at every step)"
    )
    outcome, reason = _trend_outcome(trend, told, gate, plenty=_plenty(rungs[0]))
    better = better_smaller(rungs, gate.alpha)
    if outcome is Outcome.PASS and better is not None:
        outcome = Outcome.INCONCLUSIVE
        reason += f"; but the largest surely agrees less than rung {better + 1} of {len(rungs)}: look at its training"
    return Check(name=name, outcome=outcome, reason=reason, figures=figures)


def _plenty(rows: Judged) -> bool:
    """Tell whether a rise or an edge over the majority would have been seen, so that none seen is a fault.

    Items of one conversation are alike, and labels of one answer leave nothing to tell apart.
    """
    answers = np.bincount(scored(rows).gold.astype(np.int64), minlength=2)
    return (
        len(rows) >= PLENTY
        and len(set(rows.conversations)) >= PLENTY_CONVERSATIONS
        and int(answers.min()) >= LEAST_OF_EACH
    )


def _trend_outcome(trend: Trend, told: str, gate: GateSettings, *, plenty: bool) -> tuple[Outcome, str]:
    if trend.p_rise < gate.alpha:
        return Outcome.PASS, f"larger rungs agree better with the labels {told}"
    if trend.p_fall < gate.alpha:
        return Outcome.FAIL, f"larger rungs agree less with the labels, which points at the labels, {told}"
    if plenty:
        return Outcome.FAIL, f"larger rungs do not agree better with the labels {told}"
    if trend.items >= PLENTY:
        reason = f"no sure rise yet {told}; labels of both answers from {PLENTY_CONVERSATIONS} conversations would tell"
        return Outcome.INCONCLUSIVE, reason
    more = min(PLENTY - trend.items, trend.missing or PLENTY)
    return Outcome.INCONCLUSIVE, f"no sure rise yet {told}; about {more} more labels would tell"
