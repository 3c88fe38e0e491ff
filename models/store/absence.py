"""Checking that the database holds nothing that an erasure was to take out: counts of what is left, by lineage."""

from sqlite_utils import Database

from models.erasure import TraceKind
from models.ids import ErasureId
from models.store import erasures

_EVENTS = "(SELECT name FROM erasure_traces WHERE erasure = :erasure AND kind = 'event')"
_BURSTS = "(SELECT name FROM erasure_traces WHERE erasure = :erasure AND kind = 'burst')"
_SHOWING = "(SELECT name FROM erasure_traces WHERE erasure = :erasure AND kind IN ('burst', 'window'))"


def remains(db: Database, erasure: ErasureId) -> dict[str, int]:
    """What an erasure left behind, all zero where it is complete, found by the ids of messages and bursts."""
    here = {"erasure": erasure}
    queries = {
        "messages with text": f"SELECT count(*) FROM events WHERE text <> '' AND id IN {_EVENTS}",
        "bursts with text of theirs": (
            f"SELECT count(*) FROM bursts b WHERE b.id IN {_BURSTS} AND b.text <> coalesce((SELECT group_concat(text, "
            "char(10)) FROM (SELECT e.text FROM json_each(b.message_ids) m JOIN events e ON e.id = m.value "
            f"WHERE e.text <> '' AND e.id NOT IN {_EVENTS} ORDER BY e.seq)), '')"
        ),
        "windows that show them": (
            "SELECT count(DISTINCT b.id) FROM bursts b, json_each(b.window) w "
            f"WHERE b.id IN {_SHOWING} AND json_extract(w.value, '$.id') IN {_EVENTS}"
        ),
        "labels of bursts without text": (
            f"SELECT count(*) FROM labels l JOIN bursts b ON b.id = l.burst WHERE b.text = '' AND b.id IN {_BURSTS}"
        ),
        "replies with text": (
            f"SELECT count(*) FROM replies r JOIN bursts b ON b.id = r.burst "
            f"WHERE r.text <> '' AND b.text = '' AND b.id IN {_BURSTS}"
        ),
        "rewrites": (
            "SELECT count(*) FROM responses r JOIN requests q ON q.id = r.request "
            f"WHERE r.rewrite <> '' AND r.submitted_at < (SELECT at FROM erasures WHERE id = :erasure) "
            f"AND q.burst IN {_SHOWING}"
        ),
    }
    return {name: int(db.conn.execute(query, here).fetchone()[0]) for name, query in queries.items()}


def touched(db: Database, erasure: ErasureId) -> dict[str, int]:
    """How many things of each kind an erasure touched."""
    found = erasures.traces(db, erasure)
    return {kind.value: sum(trace.kind is kind for trace in found) for kind in TraceKind if kind is not TraceKind.STEP}
