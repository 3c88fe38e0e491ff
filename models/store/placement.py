"""Whether every message has its place: in one burst, or open in the inbox. What may never be otherwise, counted."""

from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where members' messages are; ``lost`` and ``doubled`` are zero unless something is badly wrong.

    Only messages that still have text are looked at: a deleted one needs no burst.
    """

    messages: int
    open: int
    """In the inbox, for a burst that may still grow."""
    placed: int
    """In exactly one burst."""
    doubled: int
    """In more than one burst."""
    lost: int
    """Called handled, and in no burst."""
    undecided: int
    """Bursts that wait for their decision."""


def placement(db: Database) -> Placement:
    """Count every message; reads the whole store."""
    found = db.conn.execute(
        """
        WITH told AS (SELECT m.value AS id, count(*) AS bursts FROM bursts, json_each(message_ids) m GROUP BY m.value)
        SELECT count(*),
               coalesce(sum(e.handled = 0 AND told.id IS NULL), 0),
               coalesce(sum(e.handled = 1 AND told.bursts = 1), 0),
               coalesce(sum(told.bursts > 1), 0)
        FROM events e LEFT JOIN told ON told.id = e.id WHERE e.kind = 'message' AND e.is_bot = 0 AND e.text <> ''
        """
    ).fetchone()
    [undecided] = db.conn.execute("SELECT count(*) FROM bursts WHERE state = 'closed'").fetchone()
    messages, still_open, placed, doubled = (int(count) for count in found)
    return Placement(
        messages=messages,
        open=still_open,
        placed=placed,
        doubled=doubled,
        lost=messages - still_open - placed - doubled,
        undecided=int(undecided),
    )
