"""A verdict, reached from an evidence file and reached again: the same terms on the same file give the same words.

Judged is always what was read back from the file, so that a figure rounded on its way to disk cannot tell two
verdicts apart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from models.errors import InputError
from models.evidence import Candidate, Check, Terms, Verdict
from models.ids import CandidateId
from models.llama import sha256_of
from models.question import Question
from models.settings import GateSettings
from retrain.evidence_file import FILE, ChangedWordsError, read_evidence
from retrain.gate import GATE_VERSION, Evidence, judge, version

CLOSE = 1e-9
"""Figures as near as this are the same: another build of the same arithmetic may differ in the last digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A stored verdict and the one that its evidence gives now.

    ``verdict`` is None where the evidence cannot be judged under the same terms, and ``why`` then says why not.
    ``differences`` are sentences; none where both are the same. ``lost``: the evidence is missing or damaged.
    """

    stored: Verdict
    verdict: Verdict | None
    differences: tuple[str, ...]
    why: str | None
    lost: bool = False

    @property
    def same(self) -> bool | None:
        """Whether the verdict was reproduced; None where it could not be tried."""
        return None if self.verdict is None else not self.differences


def reach(
    file: Path,
    questions: Sequence[Question],
    gate: GateSettings,
    seed: int,
    *,
    candidate: CandidateId,
    judged_at: datetime,
    picture: str | None,
) -> tuple[Verdict, Evidence]:
    """Judge an evidence file, and note the terms; raises InputError where it cannot be read."""
    evidence = read_evidence(file, questions)
    verdict = judge(
        evidence, gate, candidate=candidate, judged_at=judged_at, rng=np.random.default_rng(seed), picture=picture
    )
    terms = Terms(gate=gate.model_dump(), seed=seed, evidence_sha256=sha256_of(file))
    return replace(verdict, terms=terms), evidence


def reach_again(
    stored: Verdict, candidate: Candidate, data_dir: Path, questions: Sequence[Question], gate: GateSettings, seed: int
) -> Again:
    """Judge a candidate's evidence under the terms of its stored verdict; nothing is written.

    ``gate`` and ``seed`` are those of the settings as they are now, for verdicts that kept no terms: they do if the
    gate's version, which has the hash of its settings, says so.
    """
    terms = stored.terms
    try:
        under = gate if terms is None else GateSettings.model_validate(terms.gate)
    except ValidationError as error:
        return _not(stored, f"its [gate] settings are not those of this release ({error.error_count()} do not fit)")
    if version(under) != stored.gate_version:
        return _not(stored, _otherwise(stored, terms))
    file = (data_dir / candidate.gguf_path).parent / FILE
    try:
        verdict, _ = reach(
            file,
            questions,
            under,
            seed if terms is None else terms.seed,
            candidate=stored.candidate,
            judged_at=stored.judged_at,
            picture=stored.picture,
        )
    except ChangedWordsError as error:
        return _not(stored, str(error))
    except InputError as error:
        return replace(_not(stored, str(error)), lost=True)
    found = list(differences(stored, verdict))
    if terms is not None and verdict.terms is not None and terms.evidence_sha256 != verdict.terms.evidence_sha256:
        found.insert(0, f"{file.name} was changed since the verdict was reached")
    return Again(stored=stored, verdict=verdict, differences=tuple(found), why=None)


def differences(stored: Verdict, again: Verdict) -> tuple[str, ...]:
    """Where two verdicts differ, in sentences: outcome, checks, reasons, figures."""
    found = []
    if stored.outcome is not again.outcome:
        found.append(f"the outcome is {again.outcome.value} and was {stored.outcome.value}")
    before, after = _by_name(stored), _by_name(again)
    found += [f"{name}: the check is gone" for name in before if name not in after]
    found += [f"{name}: the check is new" for name in after if name not in before]
    for name, check in before.items():
        if name in after:
            found += [f"{name}: {what}" for what in _differences(check, after[name])]
    return tuple(found)


def _differences(stored: Check, again: Check) -> list[str]:
    found = []
    if stored.outcome is not again.outcome:
        found.append(f"{again.outcome.value}, and was {stored.outcome.value}")
    figures = [name for name in {**stored.figures, **again.figures} if not _alike(stored.figures, again.figures, name)]
    if figures:
        told = (f"{n} {_told(again.figures, n)} (was {_told(stored.figures, n)})" for n in sorted(figures))
        found.append(f"other figures: {', '.join(told)}")
    if stored.reason != again.reason:
        found.append("another reason")
    return found


def _alike(before: Mapping[str, float], after: Mapping[str, float], name: str) -> bool:
    if name not in before or name not in after:
        return False
    one, other = before[name], after[name]
    return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE) or (math.isnan(one) and math.isnan(other))


def _told(figures: Mapping[str, float], name: str) -> str:
    return f"{figures[name]:.6g}" if name in figures else "none"


def _by_name(verdict: Verdict) -> dict[str, Check]:
    return {check.name: check for check in verdict.checks}


def _otherwise(stored: Verdict, terms: Terms | None) -> str:
    number = stored.gate_version.partition("+")[0]
    if number != GATE_VERSION:
        return (
            f"it was reached by version {number} of the gate and this is version {GATE_VERSION}, which looks at other "
            f"things; `quandary gate {stored.candidate}` judges its evidence by this one, and takes the old one's place"
        )
    if terms is None:
        return "it kept no settings, and those of [gate] were others than they are now"
    return "its settings are not those that its gate version was made of: the store was changed"


def _not(stored: Verdict, why: str) -> Again:
    return Again(stored=stored, verdict=None, differences=(), why=why)
