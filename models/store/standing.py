"""Where labelling stands: counts of labels, of what waits, and of what people did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from models.ids import BurstId, QuestionId
from models.store.database import to_time

_OPEN = "('pending', 'sent', 'amended')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A burst whose labels were all made under earlier words of a question, and when the oldest of these was."""

    burst: BurstId
    labelled_at: datetime


def by_option(db: Database, question: QuestionId, version: str) -> dict[str, int]:
    """Settled labels of a question at a version, by option."""
    rows = db.conn.execute(
        'SELECT "option", count(*) FROM labels WHERE question = ? AND question_version = ? AND "option" IS NOT NULL '
        "GROUP BY 1 ORDER BY 1",
        [question, version],
    )
    return {option: int(count) for option, count in rows.fetchall()}


def unsettled(db: Database, question: QuestionId, version: str) -> int:
    """Bursts on which the answers to a question tie, or no longer bear its label out."""
    row = db.conn.execute(
        'SELECT count(*) FROM labels WHERE question = ? AND question_version = ? AND "option" IS NULL',
        [question, version],
    ).fetchone()
    return int(row[0])


def stale(db: Database, versions: Mapping[QuestionId, str]) -> list[Stale]:
    """Bursts with stale labels, the longest labelled first; nothing of them is wrong, it only answers other words."""
    found: dict[str, float] = {}
    for question, version in versions.items():
        rows = db.conn.execute(
            "SELECT l.burst, min(l.labelled_at) FROM labels l JOIN bursts b ON b.id = l.burst "
            "WHERE l.question = :question AND l.question_version <> :version AND b.text <> '' "
            "AND b.state <> 'withdrawn' AND NOT EXISTS (SELECT 1 FROM labels n WHERE n.burst = l.burst "
            "AND n.question = :question AND n.question_version = :version) GROUP BY l.burst",
            {"question": question, "version": version},
        )
        for burst, at in rows.fetchall():
            found[burst] = min(at, found.get(burst, at))
    return [Stale(burst=BurstId(b), labelled_at=to_time(at)) for b, at in sorted(found.items(), key=lambda f: f[::-1])]


def waiting(db: Database) -> dict[str, int]:
    """Requests that nobody has answered, by purpose; what was only discarded does not count."""
    rows = db.conn.execute(
        f"SELECT purpose, count(*) FROM requests q WHERE state IN {_OPEN} "
        "AND NOT EXISTS (SELECT 1 FROM responses r WHERE r.request = q.id) GROUP BY 1 ORDER BY 1"
    )
    return {purpose: int(count) for purpose, count in rows.fetchall()}


def discarded(db: Database) -> int:
    """Requests that people discarded and nobody answered: they wait for somebody who can judge them."""
    row = db.conn.execute(
        f"SELECT count(*) FROM requests q WHERE state IN {_OPEN} "
        "AND EXISTS (SELECT 1 FROM responses r WHERE r.request = q.id) "
        "AND NOT EXISTS (SELECT 1 FROM responses r WHERE r.request = q.id AND r.status = 'submitted')"
    ).fetchone()
    return int(row[0])


def by_annotator(db: Database) -> dict[str, dict[str, int]]:
    """What each annotator submitted and discarded."""
    found: dict[str, dict[str, int]] = {}
    rows = db.conn.execute("SELECT annotator, status, count(*) FROM responses GROUP BY 1, 2 ORDER BY 1, 2")
    for annotator, status, count in rows.fetchall():
        found.setdefault(annotator, {"submitted": 0, "discarded": 0})[status] = int(count)
    return found


def imported(db: Database) -> dict[str, int]:
    """Labels that came from files, by source."""
    rows = db.conn.execute(
        'SELECT source, count(*) FROM labels WHERE source IS NOT NULL AND "option" IS NOT NULL GROUP BY 1 ORDER BY 1'
    )
    return {source: int(count) for source, count in rows.fetchall()}


def renewed_since(db: Database, since: datetime) -> int:
    """Bursts with stale labels that were asked about again since a moment."""
    row = db.conn.execute(
        "SELECT count(*) FROM requests WHERE purpose = 'renew' AND created_at >= ?", [since.timestamp()]
    ).fetchone()
    return int(row[0])
