"""What ``quandary status`` says of requests that wait for Argilla."""

from contextlib import closing
from datetime import UTC, datetime

from bot.commands.status import _waits
from bot.status import status
from models.ids import BurstId, RequestId
from models.labels import Request, RequestState
from models.store import requests
from models.store.database import open_database, transaction

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def put(db, name, state):
    made = Request(
        id=RequestId(name),
        burst=BurstId("b"),
        strategy="margin",
        probability=1.0,
        blind=False,
        state=state,
        created_at=NOON,
    )
    with transaction(db):
        requests.insert_request(db, made)


def test_it_says_how_many_wait_since_when_and_how_often_they_were_tried(settings):
    with closing(open_database(settings.data_dir)) as db:
        nothing = status(db, settings)["outbox"]
        assert _waits(nothing) == ""
        put(db, "r1", RequestState.PENDING)
        put(db, "r2", RequestState.PENDING)
        put(db, "r3", RequestState.WITHDRAWN)
        fresh = status(db, settings)["outbox"]
        assert fresh == {
            "to_send": 2,
            "since": "2026-11-21T12:00:00+00:00",
            "attempts": 0,
            "next_attempt_at": None,
            "to_take_back": 1,
            "given_up": 0,
        }
        assert _waits(fresh) == (
            "2 requests to be sent, the oldest since 2026-11-21 12:00 UTC; 1 records to be taken back"
        )
        for name in ("r1", "r2"):
            requests.postpone(db, [RequestId(name)], datetime(2026, 11, 21, 12, 5, tzinfo=UTC))
        told = _waits(status(db, settings)["outbox"])
        assert "tried up to 1 times, again at 2026-11-21 12:05 UTC" in told
        for _ in range(5):
            requests.refuse(db, [RequestId("r1")])
        assert requests.give_up(db, [RequestId("r1"), RequestId("r2")], 5) == ["r1"]
        assert "1 requests that it refused too often" in _waits(status(db, settings)["outbox"])
