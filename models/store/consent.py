"""Who opted out, everywhere or in one room: every word on it is kept in order, and the last one counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlite_utils import Database

from models.ids import MemberId, RoomId
from models.store.database import to_seconds, transaction

_EVERYWHERE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOuts:
    """All that members said about being heard, as of ``seq``; made to be asked often without the database."""

    seq: int = 0
    said: Mapping[tuple[str, str], tuple[int, bool]] = field(default_factory=dict)
    """When (a rising number) somebody said what (True: out) about a room ("" is everywhere), by (member, room)."""

    def is_out(self, member: MemberId, room: RoomId) -> bool:
        """Tell whether a member opted out of a room, by the last word about this room or about all."""
        if not self.said:
            return False
        words = [self.said.get((member, place), (0, False)) for place in (_EVERYWHERE, room)]
        return max(words)[1]


def opt_out(db: Database, member: MemberId, room: RoomId | None, at: datetime | None = None) -> None:
    """Hear a member no more, in one room or (None) anywhere: nothing of what comes is kept or decided."""
    _say(db, member, room, at, out=True)


def opt_in(db: Database, member: MemberId, room: RoomId | None, at: datetime | None = None) -> None:
    """Hear a member again, in one room or (None) everywhere."""
    _say(db, member, room, at, out=False)


def is_out(db: Database, member: MemberId, room: RoomId) -> bool:
    """Tell whether a member opted out of a room, or of all."""
    row = db.conn.execute(
        "SELECT out FROM opt_outs WHERE member = ? AND room IN (?, ?) ORDER BY seq DESC LIMIT 1",
        [member, room, _EVERYWHERE],
    ).fetchone()
    return row is not None and bool(row[0])


def opt_outs(db: Database) -> OptOuts:
    """Everything that members said about it."""
    rows = db.conn.execute("SELECT member, room, seq, out FROM opt_outs ORDER BY seq").fetchall()
    said = {(member, room): (seq, bool(out)) for member, room, seq, out in rows}
    return OptOuts(seq=rows[-1][2] if rows else 0, said=said)


def _say(db: Database, member: MemberId, room: RoomId | None, at: datetime | None, *, out: bool) -> None:
    with transaction(db):
        db.table("opt_outs").insert(
            {"member": member, "room": room or _EVERYWHERE, "out": int(out), "at": to_seconds(at or datetime.now(UTC))}
        )
