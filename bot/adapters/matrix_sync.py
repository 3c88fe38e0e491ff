"""What a sync response tells, whole and in order: gaps filled, rooms merged, nothing from before we came."""

import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import structlog
from nio import AsyncClient, Event, MessageDirection, RoomInfo, RoomMemberEvent, SyncResponse

from bot.adapters.matrix_answers import RefusedError, answer_of
from models.ids import RoomId

TIMELINE_MAX = 20
"""Events of one room in a sync response; where there are more the gap before them is filled from its history."""
PAGE_MIN, PAGE_MAX, PAGES_TOGETHER = 10, 100, 10_000
"""Events of one page of history; and about how many of all rooms are in memory while gaps are filled."""
_SPOKEN = ["m.room.message", "m.room.redaction", "m.reaction", "m.room.encryption", "m.room.member"]
_NOTHING: Mapping[str, Any] = {"types": []}
FILTER: Mapping[str, Any] = {
    "presence": _NOTHING,
    "account_data": _NOTHING,
    "room": {
        "state": {"types": ["m.room.encryption", "m.room.member"], "lazy_load_members": True},
        "timeline": {"types": _SPOKEN, "limit": TIMELINE_MAX, "lazy_load_members": True},
        "ephemeral": _NOTHING,
        "account_data": _NOTHING,
    },
}

log = structlog.get_logger(__name__)


async def told(client: AsyncClient, response: SyncResponse, since: str) -> AsyncIterator[tuple[RoomId, Event]]:
    """Report the events after ``since`` of all rooms, each room's in the server's order, rooms merged by time.

    Merged, so that the time in one room does not run far ahead of another's while we catch up. Rooms that we have just
    left are read up to there. Raises LaterError and PlatformError; then the same response can be asked for again.
    """
    rooms = {**response.rooms.leave, **response.rooms.join}
    gaps = sum(info.timeline.limited for info in rooms.values())
    page = max(PAGE_MIN, min(PAGE_MAX, PAGES_TOGETHER // max(1, gaps)))
    sources = [_told_in(client, RoomId(room), info, since, page) for room, info in rooms.items()]
    heads: list[tuple[int, int, Event]] = []
    for place, source in enumerate(sources):
        if (event := await anext(source, None)) is not None:
            heads.append((event.server_timestamp, place, event))
    heapq.heapify(heads)
    names = [RoomId(room) for room in rooms]
    while heads:
        _, place, event = heads[0]
        yield names[place], event
        following = await anext(sources[place], None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following.server_timestamp, place, following))


async def _told_in(client: AsyncClient, room: RoomId, info: RoomInfo, since: str, page: int) -> AsyncIterator[Event]:
    """One room's events; what came before our joining is nobody's business. Places count, for times are claims."""
    timeline = _sound(info.timeline.events)
    joined = _joining(client.user_id, timeline)
    if info.timeline.limited and joined is None:
        # The state tells of our joining long afterwards too; only if it was since then it matters here.
        told_of = _joining(client.user_id, _sound(info.state)) is not None
        outside = await _joined_since(client, room, since) if told_of else None
        known = {event.event_id for event in timeline}
        async for event in _gap(client, room, since, info.timeline.prev_batch, page):
            if event.event_id in known:
                break
            if outside is None:
                yield event
            elif event.event_id == outside:
                outside = None
    for event in timeline:
        if joined is None:
            yield event
        elif event.event_id == joined:
            joined = None


def _sound(events: Sequence[Any]) -> list[Event]:
    """Leave out what nio could not read: it may lack id and time, and cannot be a message."""
    return [event for event in events if isinstance(event, Event)]


def _joining(user: str, events: Sequence[Event]) -> str | None:
    """The last event by which we came into a room."""
    return next(
        (
            event.event_id
            for event in reversed(events)
            if isinstance(event, RoomMemberEvent)
            and (event.state_key, event.membership) == (user, "join")
            and event.prev_membership != "join"
        ),
        None,
    )


async def _joined_since(client: AsyncClient, room: RoomId, since: str) -> str | None:
    """The event by which we came into a room after a position, if we did."""
    ours = {"types": ["m.room.member"], "senders": [client.user_id]}
    asked = client.room_messages(room, since, None, MessageDirection.front, PAGE_MAX, ours)
    try:
        answer = await answer_of(asked, f"our coming into {room}")
    except RefusedError:
        return None
    return _joining(client.user_id, _sound(answer.chunk))


async def _gap(client: AsyncClient, room: RoomId, since: str, until: str | None, page: int) -> AsyncIterator[Event]:
    """Read a room's history forwards, a page at a time."""
    begin: str | None = since
    count = 0
    while begin is not None:
        try:
            answer = await answer_of(
                client.room_messages(
                    room, begin, until, MessageDirection.front, page, {"types": _SPOKEN, "lazy_load_members": True}
                ),
                f"history of {room}",
            )
        except RefusedError as error:  # we were thrown out, say; waiting would not bring it back
            log.warning("a gap stays open", room=room, error=str(error))
            return
        for event in _sound(answer.chunk):
            yield event
        count += len(answer.chunk)
        begin = answer.end if answer.end != begin else None
    log.info("filled a gap", room=room, events=count)
