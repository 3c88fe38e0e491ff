"""Candidates, the evidence the gate saw, its verdict, and what a maintainer made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ids import CandidateId, DatasetId, QuestionId, Revision, RunId

EVIDENCE = "evidence.json"
"""What a verdict was reached from, in its candidate's folder beside the model."""


class Outcome(StrEnum):
    """What one check, or the whole gate, concludes."""

    PASS = "pass"  # noqa: S105 - a gate's outcome, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of the gate: its outcome, the reason in words, and the figures behind it."""

    name: str
    outcome: Outcome
    reason: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a verdict hangs on beside the gate's version: with the same terms the same evidence gives the same verdict.

    ``gate`` are the ``[gate]`` settings, ``seed`` that of every resampling, ``evidence_sha256`` the evidence file's
    hash.
    """

    gate: Mapping[str, float]
    seed: int
    evidence_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate concludes about a candidate: fail if any check fails, else inconclusive if any is, else pass."""

    candidate: CandidateId
    outcome: Outcome
    checks: tuple[Check, ...]
    gate_version: str
    judged_at: datetime
    picture: str | None = None
    """Path of the ladder's picture, relative to the data directory."""
    terms: Terms | None = None
    """None in verdicts from before terms were kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that might be promoted, with everything an approval binds. Paths are relative to the data directory."""

    id: CandidateId
    run: RunId
    dataset: DatasetId
    base: str
    adapter_path: str
    adapter_sha256: str
    gguf_path: str
    gguf_sha256: str
    question_versions: Mapping[QuestionId, str]
    created_at: datetime

    @property
    def revision(self) -> Revision:
        """The revision that its decisions carry once it serves."""
        return Revision(self.gguf_sha256[:12])


class Action(StrEnum):
    """What a maintainer did."""

    APPROVE = "approve"
    REJECT = "reject"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A maintainer's act, with who, when, why, and the hashes that it binds."""

    candidate: CandidateId
    action: Action
    by: str
    why: str
    override: bool
    binding: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The model that serves: its file and hash. ``candidate`` is None for the model named in config.toml."""

    candidate: CandidateId | None
    gguf_path: str
    gguf_sha256: str
    since: datetime
