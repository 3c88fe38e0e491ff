"""Answers given in earlier words, after a question was revised and before its records were taken back.

They are not lost: they are written down under the words that they answered, and so are the labels that they come to.
These are stale, as all labels in those words are, and nobody is asked further because of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from labeling.agreement import labels_of
from labeling.answers import Late
from labeling.second import in_these_words
from labeling.settling import deciding, voices
from models.agreement import applicable
from models.ids import BurstId
from models.labels import Label
from models.privacy import mask
from models.question import versions
from models.store import labels, queues, requests, responses
from models.store.database import transaction


def keep_late(db: Any, found: Sequence[Late], at: datetime) -> list[Label]:
    """Write late answers and their labels down, all or nothing; returns the labels.

    Left out is what was answered in a queue whose words are not known, or about a request that does not await its last
    words any more, because its burst was edited or erased since. Raises StoreError.
    """
    made: list[Label] = []
    with transaction(db):
        known, awaited = queues.every(db), set(requests.awaited(db))
        for queue in dict.fromkeys(late.queue for late in found):
            words = known.get(queue)
            if words is None:
                continue
            given = [
                replace(
                    late.response,
                    answers=applicable(late.response.answers, words.questions),
                    rewrite=None if late.response.rewrite is None else mask(late.response.rewrite),
                    versions=versions(words.questions),
                    guideline=words.guideline,
                )
                for late in found
                if late.queue == queue and late.response.request in awaited
            ]
            responses.put(db, given)
            asked = [requests.get(db, response.request) for response in given]
            for burst in dict.fromkeys(request.burst for request in asked if request is not None):
                made += _settle(db, burst, words, at)
        labels.put(db, made)
    return made


def _settle(db: Any, burst: BurstId, words: queues.Words, at: datetime) -> list[Label]:
    """What all answers in these words come to, as ``labeling.settling`` has it, but for asking further."""
    about = requests.about(db, burst)
    known = in_these_words(about, words.questions)
    if not known:
        return []
    mine = {request.id for request in known}
    given = [r for r in responses.about(db, burst) if r.versions is not None or r.request in mine]
    said = voices(given, {request.id: request.purpose for request in about})
    return labels_of(
        burst,
        words.questions,
        said,
        deciding=deciding(given, known),
        overlap=known[0].overlap,
        audit=known[0].blind,
        at=at,
    )
