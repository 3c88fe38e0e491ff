"""Forgetting by age: messages, and bursts that nobody labelled."""

from datetime import datetime

from sqlite_utils import Database

from models.store.database import to_seconds, transaction


def purge(db: Database, before: datetime) -> int:
    """Delete handled messages and unlabelled bursts from before a moment; returns how many rows went.

    Requests about such bursts are withdrawn, which takes their text out of Argilla too, and what was written about them
    goes. The deleted text is overwritten (secure_delete) and the write-ahead log emptied: nothing lingers in files.
    """
    limit = to_seconds(before)
    unlabelled = "ended_at < ? AND state <> 'closed' AND id NOT IN (SELECT burst FROM labels)"
    with transaction(db):
        gone = db.conn.execute("DELETE FROM events WHERE sent_at < ? AND handled = 1", [limit]).rowcount
        mine = f"burst IN (SELECT id FROM bursts WHERE {unlabelled})"
        db.conn.execute(f"UPDATE requests SET state = 'withdrawn' WHERE state <> 'withdrawn' AND {mine}", [limit])
        db.conn.execute(f"DELETE FROM responses WHERE request IN (SELECT id FROM requests WHERE {mine})", [limit])
        for table in ("decisions", "routes", "replies", "feedback", "selection_scores"):
            db.conn.execute(f"DELETE FROM {table} WHERE {mine}", [limit])
        gone += db.conn.execute(f"DELETE FROM bursts WHERE {unlabelled}", [limit]).rowcount
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return gone
