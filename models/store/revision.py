"""An edit: the new text takes the old one's place in the inbox, in its burst and in the windows that show it."""

from datetime import datetime

from sqlite_utils import Database

from models.ids import BurstId, EventId, RequestId
from models.labels import RequestState
from models.store import bursts, inbox, labels, requests
from models.store.database import transaction


def revise(db: Database, message: EventId, text: str, again: RequestId | None, at: datetime) -> None:
    """Replace a message's text; a burst that has closed is decided anew, or withdrawn if no text is left of it.

    What people said about the old text counts no more: ``again``, if it is known, is asked anew about the new one, also
    where the old one has yet to be sent, because it may be on its way. Every other request about the burst (second
    records, those in earlier words) is withdrawn. Records of other bursts that show the message are made anew; those
    that are answered go, and their labels stay.
    """
    with transaction(db):
        burst = inbox.amend(db, message, text)
        for beside in bursts.amend_windows(db, message, text):
            requests.amend_about(db, beside)
        if burst is None:
            return
        left = bursts.rewrite(db, BurstId(burst), at)
        others = [other.id for other in requests.about(db, BurstId(burst)) if other.id != again]
        requests.set_state(db, others, RequestState.WITHDRAWN)
        request = None if again is None else requests.get(db, again)
        if request is not None:
            state = RequestState.WITHDRAWN if left is None else RequestState.AMENDED
            requests.set_state(db, [request.id], state)
        labels.void(db, BurstId(burst))
