"""A maintainer's acts: letting a candidate serve, refusing it, going back.

Each verifies first, then writes the act with all that it binds and the slot's new model in one transaction. The running
bot follows the slot within a second.
"""

from datetime import UTC, datetime
from pathlib import Path

from models.calibration import read_calibration, sidecar
from models.errors import ModelError, PromotionError
from models.evidence import EVIDENCE, Action, Candidate, Outcome, Promotion, Slot, Verdict
from models.ids import CandidateId
from models.llama import gguf_of, sha256_of
from models.question import versions
from models.settings import Settings
from models.store import erasures, learning, promotions
from models.store.database import Database

CONFIGURED = CandidateId("config.toml")
"""What a rollback calls the model that config.toml names."""
_ADAPTER_WEIGHTS = "adapter_model.safetensors"


def approve(
    db: Database, settings: Settings, candidate: CandidateId, *, by: str, override: bool = False, why: str = ""
) -> Promotion:
    """Let a candidate serve.

    Raises PromotionError where its files are not those that were judged, its calibration is missing or not its own, its
    evidence was lost or changed, its questions have other wordings by now, it serves already, or it lacks the gate's
    pass (or was rejected) and nobody overrides that with a reason.
    """
    found, verdict = _find(db, candidate)
    serving = promotions.current_slot(db)
    if serving is not None and serving.candidate == candidate:
        raise PromotionError(f"candidate {candidate} serves already")
    obstacle = _obstacle(db, candidate, verdict)
    if obstacle is not None and not (override and why.strip()):
        raise PromotionError(
            f"candidate {candidate} {obstacle}; to let it serve all the same, give --override and --why"
        )
    _verify(settings, found)
    _verify_evidence(settings.data_dir / found.gguf_path, verdict)
    calibration = _calibration(settings.data_dir / found.gguf_path, found)
    now = datetime.now(UTC)
    promotion = Promotion(
        candidate=candidate,
        action=Action.APPROVE,
        by=by,
        why=why.strip(),
        override=obstacle is not None,
        binding=_binding(found, verdict) | {"calibration_sha256": calibration},
        at=now,
    )
    slot = Slot(candidate=candidate, gguf_path=found.gguf_path, gguf_sha256=found.gguf_sha256, since=now)
    promotions.record(db, promotion, slot)
    return promotion


def reject(db: Database, candidate: CandidateId, *, by: str, why: str) -> Promotion:
    """Refuse a candidate; raises PromotionError if it is unknown, serves, or no reason is given."""
    found, verdict = _find(db, candidate)
    serving = promotions.current_slot(db)
    if serving is not None and serving.candidate == candidate:
        raise PromotionError(f"candidate {candidate} serves; use `quandary rollback` to take it back")
    if not why.strip():
        raise PromotionError(f"say why candidate {candidate} is rejected, with --why")
    promotion = Promotion(
        candidate=candidate,
        action=Action.REJECT,
        by=by,
        why=why.strip(),
        override=False,
        binding=_binding(found, verdict),
        at=datetime.now(UTC),
    )
    promotions.record(db, promotion, None)
    return promotion


def rollback(db: Database, settings: Settings, *, by: str, why: str = "") -> Promotion:
    """Go back to the model that served before; raises PromotionError where there is none or its file has changed.

    Rolling back twice goes back two approvals, and at last to the model that config.toml names.
    """
    stack = promotions.standing(db)
    if not stack:
        raise PromotionError("the model of config.toml serves; there is nothing to roll back to")
    now = datetime.now(UTC)
    leaving, before = stack[-1], stack[-2] if len(stack) > 1 else None
    path = settings.data_dir / before.gguf_path if before is not None else _configured(settings)
    digest = _hash(path, "the model to go back to")
    if before is not None and digest != before.gguf_sha256:
        raise PromotionError(f"{path} has changed since it was approved; restore it, or approve another candidate")
    slot = Slot(
        candidate=None if before is None else before.candidate,
        gguf_path=str(path) if before is None else before.gguf_path,
        gguf_sha256=digest,
        since=now,
    )
    promotion = Promotion(
        candidate=leaving.candidate or CONFIGURED,
        action=Action.ROLLBACK,
        by=by,
        why=why.strip(),
        override=False,
        binding={"to": slot.candidate or CONFIGURED, "gguf_sha256": digest, "from_gguf_sha256": leaving.gguf_sha256},
        at=now,
    )
    promotions.record(db, promotion, slot)
    return promotion


def _find(db: Database, candidate: CandidateId) -> tuple[Candidate, Verdict]:
    known = learning.candidates(db)
    for found, verdict in known:
        if found.id == candidate:
            return found, verdict
    names = ", ".join(found.id for found, _ in known) or "none yet"
    raise PromotionError(f"there is no candidate {candidate}; candidates: {names}")


def _obstacle(db: Database, candidate: CandidateId, verdict: Verdict) -> str | None:
    """What speaks against a candidate, as the end of a sentence about it."""
    rejected = [p for p in promotions.history(db) if p.candidate == candidate and p.action is Action.REJECT]
    if rejected:
        return f"was rejected by {rejected[-1].by} ({rejected[-1].why})"
    if erased := erasures.stale_candidates(db).get(candidate):
        return f"was trained on messages that were erased since (erasure {', '.join(erased)}; the next one will not be)"
    if verdict.outcome is Outcome.PASS:
        return None
    against = "; ".join(check.reason for check in verdict.checks if check.outcome is verdict.outcome)
    return f"did not pass the gate ({verdict.outcome.value}: {against})"


def _verify(settings: Settings, candidate: Candidate) -> None:
    current = versions(settings.questions)
    changed = sorted(
        q for q in {*current, *candidate.question_versions} if current.get(q) != candidate.question_versions.get(q)
    )
    if changed:
        raise PromotionError(
            f"candidate {candidate.id} was judged on other wordings of {', '.join(changed)}; "
            "restore them in config.toml or train anew"
        )
    adapter = settings.data_dir / candidate.adapter_path
    weights = adapter / _ADAPTER_WEIGHTS if adapter.is_dir() else adapter
    for path, digest in (
        (settings.data_dir / candidate.gguf_path, candidate.gguf_sha256),
        (weights, candidate.adapter_sha256),
    ):
        if _hash(path, f"a file of candidate {candidate.id}") != digest:
            raise PromotionError(f"{path} is not the file that was judged (its SHA-256 differs); train anew")


def _verify_evidence(gguf: Path, verdict: Verdict) -> None:
    """A verdict stands on its evidence: where that is lost or was changed, nobody can reach it again."""
    if verdict.terms is None:  # from before evidence was bound
        return
    path = gguf.with_name(EVIDENCE)
    if _hash(path, f"the evidence of candidate {verdict.candidate}") != verdict.terms.evidence_sha256:
        raise PromotionError(
            f"{path} is not what candidate {verdict.candidate} was judged from (its SHA-256 differs); restore it, or "
            f"look into it and judge anew: `quandary gate {verdict.candidate}`"
        )


def _calibration(gguf: Path, candidate: Candidate) -> str:
    """SHA-256 of the calibration beside a candidate's model: without it nothing would ever be acted on."""
    digest = _hash(sidecar(gguf), f"the calibration of candidate {candidate.id}")
    try:
        read_calibration(gguf, candidate.gguf_sha256)
    except ModelError as error:
        raise PromotionError(f"candidate {candidate.id} cannot serve: {error}") from error
    return digest


def _hash(path: Path, what: str) -> str:
    try:
        return sha256_of(path)
    except ModelError as error:
        raise PromotionError(f"{what} is missing: {error}") from error


def _configured(settings: Settings) -> Path:
    try:
        return gguf_of(settings.decide.model)
    except ModelError as error:
        raise PromotionError(f"the model of config.toml, to go back to, is missing: {error}") from error


def _binding(candidate: Candidate, verdict: Verdict) -> dict[str, str]:
    bound = {
        "dataset": candidate.dataset,
        "base": candidate.base,
        "adapter_sha256": candidate.adapter_sha256,
        "gguf_sha256": candidate.gguf_sha256,
        "gate_version": verdict.gate_version,
        "verdict": verdict.outcome.value,
    }
    if verdict.terms is not None:
        bound["evidence_sha256"] = verdict.terms.evidence_sha256
    return bound | {f"question:{question}": version for question, version in candidate.question_versions.items()}
