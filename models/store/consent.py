"""Who opted out and which rooms were told what the bot does.

Of what members say about being heard, everywhere or in one room, every word is kept in order, and the last one counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlite_utils import Database

from models.consent import Mode
from models.ids import EventId, MemberId, RoomId
from models.labels import IMPORTED
from models.store import erasures
from models.store.database import to_seconds, transaction

_EVERYWHERE = ""
TELLING, TOLD, FAILED = "telling", "told", "failed"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What changed since somebody last looked: the new opt-outs (None: as before), and messages erased since."""

    opt_outs: OptOuts | None
    erasure: int
    erased: Sequence[EventId]


def news(db: Database, seq: int, erasure: int) -> News:
    """Look whether members said anything about being heard after ``seq``, or had anything erased after ``erasure``."""
    (last,) = db.conn.execute("SELECT coalesce(max(seq), 0) FROM opt_outs").fetchone()
    number, erased = erasures.events_after(db, erasure)
    return News(opt_outs=None if last == seq else opt_outs(db), erasure=number, erased=erased)


def begin_introduction(db: Database, room: RoomId, mode: Mode, at: datetime) -> bool:
    """Note that a room is about to be told its mode; False where it was told that already, or might have been.

    A room is told again when its mode has come to allow more. One that could not be told is tried again.
    """
    with transaction(db):
        row = db.conn.execute("SELECT mode, state FROM introductions WHERE room = ?", [room]).fetchone()
        if row is not None and row[1] != FAILED and Mode(row[0]).allows(mode):
            return False
        db.table("introductions").upsert(
            {"room": room, "mode": mode.value, "state": TELLING, "at": to_seconds(at)}, pk="room"
        )
    return True


def end_introduction(db: Database, room: RoomId, *, told: bool) -> None:
    """Note how telling a room went."""
    with transaction(db):
        db.conn.execute("UPDATE introductions SET state = ? WHERE room = ?", [TOLD if told else FAILED, room])


def rooms_seen(db: Database) -> list[tuple[RoomId, str]]:
    """Rooms in which bursts were closed, with their platforms; those that came from files are none."""
    rows = db.conn.execute(
        "SELECT DISTINCT room, coalesce(platform, '') FROM bursts WHERE platform IS NOT ? ORDER BY 2, 1", [IMPORTED]
    ).fetchall()
    return [(RoomId(room), platform) for room, platform in rows]


def hold_to(db: Database, modes: Callable[[RoomId, str], Mode]) -> int:
    """Take back what rooms allow no more: open requests where nobody may read, and bursts of rooms that are off.

    Returns how many requests were withdrawn.
    """
    gone = 0
    with transaction(db):
        for room, platform in rooms_seen(db):
            mode = modes(room, platform)
            if not mode.allows(Mode.LABEL):
                gone += db.conn.execute(
                    "UPDATE requests SET state = 'withdrawn' WHERE state IN ('pending', 'sent', 'amended') "
                    "AND burst IN (SELECT id FROM bursts WHERE room = ?)",
                    [room],
                ).rowcount
            if mode is Mode.OFF:
                db.conn.execute("UPDATE bursts SET state = 'withdrawn' WHERE room = ? AND state = 'closed'", [room])
    return gone


def _say(db: Database, member: MemberId, room: RoomId | None, at: datetime | None, *, out: bool) -> None:
    with transaction(db):
        db.table("opt_outs").insert(
            {"member": member, "room": room or _EVERYWHERE, "out": int(out), "at": to_seconds(at or datetime.now(UTC))}
        )
