"""What happens when questions get other words: the bot begins anew, and asks about the same bursts in these."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from labeling.second import OPEN, in_these_words
from models.errors import SettingsError
from models.ids import BurstId, RequestId
from models.labels import Purpose, RequestState, request_id
from models.question import Question
from models.settings import Settings, load_settings
from models.settings.wordings import read_adopted
from models.store import requests
from models.store.database import Database, transaction

LOOK_S = 5.0
"""How often adopted wordings are looked at."""
AT_TERMINAL = frozenset({"console", "replay"})
"""Adapters that cannot begin anew: what they read is gone, or comes again from its beginning."""

log = structlog.get_logger(__name__)


class RewordedError(Exception):
    """The questions have other words by now; whoever asks in the old ones has to begin anew."""


async def watch_words(settings: Settings, config: Path, look_s: float = LOOK_S) -> None:
    """Raise RewordedError once a wording is adopted or taken back; never returns otherwise.

    Where config.toml has faults by now, the bot goes on in the words that it has.
    """
    seen = await asyncio.to_thread(read_adopted, settings.data_dir)
    while True:
        await asyncio.sleep(look_s)
        try:
            found = await asyncio.to_thread(read_adopted, settings.data_dir)
            if found == seen:
                continue
            fresh = await asyncio.to_thread(load_settings, config)
            seen = found
        except SettingsError as error:
            log.warning("adopted wordings not taken up", error=str(error))
            continue
        if fresh.questions != settings.questions:
            raise RewordedError


def ask_anew(db: Database, questions: Sequence[Question]) -> int:
    """Withdraw open requests made for other wordings, each for one in the present words; returns how many.

    The old ones must not stand in annotators' lists: a set of wordings has a labelling queue of its own, and what was
    answered in the old one meanwhile is kept as what it is (labeling/late.py). Strategy, probability
    and blindness are kept, for they say how the burst was drawn. An open second record, of whatever purpose, becomes a
    first question in the present words, which nobody was asked yet. Where the old words are back, so are the second
    records that were withdrawn with them. Raises StoreError.
    """
    moved = 0
    with transaction(db):
        for old in [request for state in OPEN for request in requests.in_state(db, state)]:
            if old.id == request_id(old.burst, questions, old.purpose, old.round):
                continue
            if old.state is RequestState.AMENDED:  # what is answered there is about another text
                requests.set_state(db, [old.id], RequestState.WITHDRAWN)
            else:
                requests.withdraw_reworded(db, [old.id])
            wanted = request_id(old.burst, questions)
            known = requests.get(db, wanted)
            if known is None:
                first = old.purpose if old.purpose.first else Purpose.RENEW
                new = replace(old, id=wanted, purpose=first, round=0, state=RequestState.PENDING, attempts=0)
                requests.insert_request(db, replace(new, next_attempt_at=None))
            elif known.state is RequestState.WITHDRAWN:  # the old words are back
                requests.set_state(db, [wanted], RequestState.AMENDED)
            else:
                requests.set_state(db, _withdrawn(db, old.burst, questions), RequestState.AMENDED)
            moved += 1
    return moved


def _withdrawn(db: Database, burst: BurstId, questions: Sequence[Question]) -> list[RequestId]:
    known = in_these_words(requests.about(db, burst), questions)
    return [request.id for request in known if request.state is RequestState.WITHDRAWN]
