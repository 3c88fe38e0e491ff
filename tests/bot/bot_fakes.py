"""A decider without a model, a chat without a platform: for tests, here and in child processes."""

import hashlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from models.calibration import Calibration, write_calibration
from models.chat import ChatEvent, EventKind
from models.decision import Decision
from models.errors import ModelError
from models.evidence import Candidate, Check, Outcome, Verdict
from models.ids import EventId, MemberId, RoomId
from models.llama import sha256_of
from models.question import versions
from models.settings import AskSettings, RoomTable, Settings, load_settings

REPO = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()


def settings_in(folder: Path, **tables) -> Settings:
    settings = load_settings(REPO / "config.toml")
    open_rooms = (RoomTable(id="*", mode="train"),)
    return settings.model_copy(
        update={
            "data_dir": folder,
            "ask": AskSettings(daily_budget=10_000, paced=False, skip_alike=False),
            "room": open_rooms,
            **tables,
        }
    )


def said(number, sender, at, text=None, *, room="r", thread=None, bot=False, kind=EventKind.MESSAGE, target=None):
    """A chat event ``at`` seconds after the beginning."""
    return ChatEvent(
        id=EventId(f"t:{room}:{number}"),
        platform="t",
        room=RoomId(room),
        sender=MemberId(sender),
        text=f"text {number}" if text is None else text,
        sent_at=datetime.fromtimestamp(BEGIN + at, UTC),
        kind=kind,
        thread=thread,
        target=None if target is None else EventId(f"t:{room}:{target}"),
        is_bot=bot,
        cursor=str(number),
    )


class FakeDecider:
    """Answers by a hash of the text: about a fifth surely yes, a half surely no, the rest unsure."""

    def __init__(self, questions, revision="fake", delay_s=0.0, fails=lambda text: False):
        self.questions, self.revision, self.delay_s, self.fails = questions, revision, delay_s, fails
        self.batches = []
        self.closed = False

    def decide(self, bursts):
        assert not self.closed, "deciding after close"
        time.sleep(self.delay_s)
        self.batches.append([burst.text for burst in bursts])
        for burst in bursts:
            if self.fails(burst.text):
                raise ModelError("cannot read this")
        return [tuple(self._decision(burst, question) for question in self.questions) for burst in bursts]

    def close(self):
        self.closed = True

    def _decision(self, burst, question):
        share = hashlib.sha256(f"{question.id}{burst.text}".encode()).digest()[0] / 256
        sure = "yes" if share < 0.2 else "no" if share < 0.7 else None
        yes = 1 - share
        return Decision(
            burst=burst.id,
            question=question.id,
            question_version=question.version,
            probabilities={"yes": yes * 0.9, "no": share * 0.9, "unsure": 0.1},
            margin=abs(2 * yes - 1) * 0.9,
            sure=sure,
            revision=self.revision,
            milliseconds=1.0,
            decided_at=datetime.now(UTC),
        )


class SureDecider(FakeDecider):
    """Sure that everything is a question that stands alone."""

    def _decision(self, burst, question):
        sure = question.positive if question.id == "is_question" else "no"
        share = {"yes": 0.9, "no": 0.07, "unsure": 0.03} if sure == "yes" else {"yes": 0.2, "no": 0.7, "unsure": 0.1}
        return replace(super()._decision(burst, question), sure=sure, probabilities=share)


class Answers:
    """Knows one answer."""

    async def answer(self, question, context):
        return "in /var/log"


def candidate_of(settings, name, gguf, outcome=Outcome.PASS):
    """A judged candidate whose files lie in the data directory."""
    home = settings.data_dir / "candidates" / name
    (home / "adapter").mkdir(parents=True)
    (home / "model.gguf").write_bytes(gguf.read_bytes())
    weights = home / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(b"adapter " + name.encode())
    digest = sha256_of(home / "model.gguf")
    write_calibration(home / "model.gguf", Calibration(gguf_sha256=digest, questions={}))
    now = datetime.now(UTC)
    candidate = Candidate(
        id=name,
        run=f"run-{name}",
        dataset="d0",
        base="tiny",
        adapter_path=str((home / "adapter").relative_to(settings.data_dir)),
        adapter_sha256=sha256_of(weights),
        gguf_path=str((home / "model.gguf").relative_to(settings.data_dir)),
        gguf_sha256=digest,
        question_versions=versions(settings.questions),
        created_at=now,
    )
    check = Check(name="trend", outcome=outcome, reason="the ladder rises", figures={"rho": 0.9})
    verdict = Verdict(candidate=name, outcome=outcome, checks=(check,), gate_version="1", judged_at=now)
    return candidate, verdict
