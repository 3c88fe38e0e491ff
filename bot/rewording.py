"""What becomes of open requests when config.toml asks otherwise than it did: the same bursts, in the new words."""

from collections.abc import Sequence
from dataclasses import replace

from labeling.second import OPEN, in_these_words
from models.ids import BurstId, RequestId
from models.labels import Purpose, RequestState, request_id
from models.question import Question
from models.store import requests
from models.store.database import Database, transaction


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
