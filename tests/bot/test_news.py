from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot_fakes import candidate_of

from bot.news import EVERY, News
from labeling.errors import UnreachableError
from models.evidence import Action, Promotion, Slot
from models.settings import Settings
from models.store import bursts, learning, promotions, requests, responses
from models.store.database import Database, transaction
from models.store.thread import Store
from tests.labeling.made import NOON, burst, request, response

SINCE = datetime(2026, 11, 20, tzinfo=UTC)


class Board:
    """Stands where the desk does, which cannot be had without a server: keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.away = False

    async def announce(self, news: str) -> bool:
        if self.away:
            raise UnreachableError("Argilla does not answer")
        self.told.append(news)
        return True


def promote(db: Database, settings: Settings) -> None:
    gguf = settings.data_dir / "made.gguf"
    gguf.write_bytes(b"GGUF")
    candidate, verdict = candidate_of(settings, "c1", gguf)
    learning.put_candidate(db, candidate, verdict)
    slot = Slot(candidate=candidate.id, gguf_path="x.gguf", gguf_sha256="0" * 64, since=SINCE)
    act = Promotion(
        candidate=candidate.id, action=Action.APPROVE, by="mia", why="", override=False, binding={}, at=SINCE
    )
    promotions.record(db, act, slot)


def answered(db: Database) -> None:
    with transaction(db):
        bursts.close(db, [burst("how?")])
        requests.insert_request(db, request("r1"))
        responses.put(db, [response("ann", is_question="yes")])


async def test_annotators_are_told_after_a_promotion_and_once_for_each_change(tmp_path: Path) -> None:
    now, board = NOON, Board()
    settings = Settings(data_dir=tmp_path)
    async with Store(tmp_path) as store:
        news = News(store, board, "en", clock=lambda: now)  # type: ignore[arg-type]
        await store.do(answered)
        await news.tell()
        assert board.told == [""]  # what an earlier model did does not stand for ever
        await store.do(promote, settings)
        await news.tell()
        assert board.told == [""]  # not before an hour has passed
        now += EVERY
        board.away = True
        await news.tell()
        board.away = False
        now += EVERY
        await news.tell()
        assert len(board.told) == 2
        assert "since 2026-11-20 learned from 1 of your answers" in board.told[1]
        now += EVERY + timedelta(seconds=1)
        await news.tell()
        assert len(board.told) == 2
