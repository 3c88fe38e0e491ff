"""What was replied, and what stands in the way of replying."""

from datetime import datetime

from sqlite_utils import Database

from models.ids import BurstId, MemberId, RoomId
from models.store.database import to_seconds, to_time

_GIVEN = "('sending', 'sent', 'recalled')"
"""States of replies that were said, or may have been."""


def given_since(db: Database, room: RoomId, since: datetime) -> list[tuple[MemberId, datetime]]:
    """To whom replies were given in a room after a moment, and when."""
    rows = db.query(
        "SELECT b.sender, r.replied_at FROM replies r JOIN bursts b ON b.id = r.burst "
        f"WHERE r.replied_at > ? AND b.room = ? AND r.state IN {_GIVEN}",
        [to_seconds(since), room],
    )
    return [(MemberId(row["sender"]), to_time(row["replied_at"])) for row in rows]


def addressed(db: Database, burst: BurstId) -> tuple[bool, bool]:
    """Tell whether a message of a burst speaks to the bot, and whether one is a bot's."""
    row = db.conn.execute(
        "SELECT max(e.mentions_bot), max(e.is_bot) FROM bursts b, json_each(b.message_ids) m "
        "JOIN events e ON e.id = m.value WHERE b.id = ?",
        [burst],
    ).fetchone()
    return bool(row[0]), bool(row[1])


def state_of(db: Database, burst: BurstId) -> str | None:
    """How it went with the reply to a burst, or None where none was to be given or none has been tried yet."""
    row = db.conn.execute("SELECT state FROM replies WHERE burst = ?", [burst]).fetchone()
    return None if row is None else str(row[0])


def count(db: Database) -> dict[str, int]:
    """Replies by state."""
    return {row["state"]: row["n"] for row in db.query("SELECT state, count(*) AS n FROM replies GROUP BY state")}
