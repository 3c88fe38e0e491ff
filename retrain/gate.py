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
from models.settings import GateSettings
from retrain.checks.agreement import Overlaps, agreement_checks
from retrain.checks.slices import Slices, read_slices, slices_check
from retrain.checks.sureness import sureness_check
from retrain.checks.trial import Trial, trial_checks
from retrain.judged import Judged
from retrain.leakage import Leakage, leakage_check
from retrain.parity import Drift
from retrain.rivals import challenger_check, cheap_check
from retrain.scaling.checks import ladder_checks
from retrain.scaling.ladder import Ladder

GATE_VERSION = "11"


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
    leakage: Leakage | None = None
    """What training and holdout share; None in evidence from before anybody looked, as in what follows."""
    agreement: Overlaps | None = None
    """What several people answered about the same bursts of the dataset."""
    slices: Slices | None = None
    """The slices of every burst that champion and challenger were read on."""
    temperatures: Mapping[QuestionId, float] | None = None
    """The challenger's, fitted on the other half of the holdout."""
    champion_trial: Trial | None = None
    challenger_trial: Trial | None = None


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
    checks = [labels_check(evidence.labels, gate), leakage_check(evidence.leakage)]
    checks += agreement_checks(evidence.agreement, gate, rng)
    read = [ladder for ladder in evidence.ladders if ladder.rungs]
    for ladder in read:
        checks += ladder_checks(ladder, gate, rng)
    if not read or len(read) < len(evidence.ladders):
        checks.append(_absent("ladder", "no rung was read for at least one question, so no ladder speaks for it"))
    for question, champion in evidence.champion.items():
        checks.append(challenger_check(champion, evidence.challenger[question], gate, rng))
    if evidence.champion:
        known = evidence.slices
        parts = known and read_slices(evidence.champion, evidence.challenger, known, gate.margin, rng)
        checks.append(slices_check(None if known is None else parts or (), gate))
    else:
        checks.append(_absent("challenger", "the candidate was compared with no champion on any question"))
    for question, challenger in evidence.challenger.items():
        checks.append(sureness_check(challenger, (evidence.temperatures or {}).get(question), gate, rng))
    for question, cheap in evidence.cheap.items():
        checks.append(cheap_check(cheap, evidence.challenger[question], gate, rng))
    if not evidence.cheap:
        checks.append(_absent("cheap challenger", "the candidate was not compared with the cheap learner; train anew"))
    checks.append(drift_check("export", "the unquantized GGUF", evidence.export, gate))
    checks.append(drift_check("quantization", "the file that would serve", evidence.drift, gate))
    checks += trial_checks(evidence.challenger_trial, evidence.champion_trial, gate)
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
