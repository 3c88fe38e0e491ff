"""What becomes of open requests when config.toml asks otherwise than it did: the same bursts, in the new words."""

from collections.abc import Sequence
from dataclasses import replace

from bot.routing import request_id
from models.labels import RequestState
from models.question import Question
from models.store import requests
from models.store.database import Database, transaction

OPEN = (RequestState.PENDING, RequestState.SENT, RequestState.AMENDED)


def ask_anew(db: Database, questions: Sequence[Question]) -> int:
    """Withdraw open requests made for other wordings, each for one in the present words; returns how many.

    Nobody would see the old ones any more: a set of wordings has a labelling queue of its own. Strategy, probability
    and blindness are kept, for they say how the burst was drawn. Raises StoreError.
    """
    moved = 0
    with transaction(db):
        for old in [request for state in OPEN for request in requests.in_state(db, state)]:
            wanted = request_id(old.burst, questions)
            if old.id == wanted:
                continue
            requests.set_state(db, [old.id], RequestState.WITHDRAWN)
            known = requests.get(db, wanted)
            if known is None:
                new = replace(old, id=wanted, state=RequestState.PENDING, attempts=0, next_attempt_at=None)
                requests.insert_request(db, new)
            elif known.state is RequestState.WITHDRAWN:  # the old words are back
                requests.set_state(db, [wanted], RequestState.AMENDED)
            moved += 1
    return moved
