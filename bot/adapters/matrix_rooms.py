"""Which rooms the bot enters and which it leaves: invitations from allowed servers, and no encrypted rooms."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence

import structlog
from nio import AsyncClient, InviteMemberEvent, SyncResponse

from bot.adapters.backoff import Backoff
from bot.adapters.matrix_answers import LaterError, RefusedError, answer_of

ANY = "*"
JOIN_TRIES, JOIN_S = 3, 30.0
ENCRYPTED = (
    "This room is encrypted, and I cannot read encrypted messages, so I leave. Invite me to a room without encryption. "
    "/ 这个房间是加密的，我读不了加密消息，先退出了。请邀请我到未加密的房间。"  # noqa: RUF001 - Chinese commas
)

log = structlog.get_logger(__name__)


class Doorkeeper:
    """Answers invitations and walks out of encrypted rooms. ``allowed`` are servers' names, "*" for any."""

    def __init__(
        self, client: AsyncClient, allowed: Sequence[str], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._client = client
        self._allowed = frozenset(allowed)
        self._sleep = sleep

    async def settle(self, response: SyncResponse) -> None:
        """Do what a sync response asks for; doing it again is harmless. Raises LaterError and PlatformError."""
        for room, info in response.rooms.invite.items():
            await self._invited(room, info.invite_state)
        for room, info in response.rooms.join.items():
            if any(event.source.get("type") == "m.room.encryption" for event in (*info.state, *info.timeline.events)):
                await self._refuse(room, response.next_batch)

    async def _invited(self, room: str, state: Sequence[object]) -> None:
        # The last one is our own server's; what comes before was chosen by the inviting server.
        senders = [
            event.sender
            for event in state
            if isinstance(event, InviteMemberEvent) and event.state_key == self._client.user_id
        ]
        sender = senders[-1] if senders else ""
        if ANY in self._allowed or sender.partition(":")[2] in self._allowed:
            await self._join(room, sender)
            return
        log.warning("invitation refused: matrix.allowed_servers does not name its server", room=room, by=sender)
        try:
            await answer_of(self._client.room_leave(room), f"refusing the invitation to {room}")
        except RefusedError as error:
            log.warning("invitation not refused", room=room, error=str(error))

    async def _join(self, room: str, sender: str) -> None:
        """Join, or give up after a while: a room on a dead server must not hold up all others."""
        backoff = Backoff()
        for attempt in range(1, JOIN_TRIES + 1):
            try:
                await asyncio.wait_for(answer_of(self._client.join(room), f"joining {room}"), JOIN_S)
            except (LaterError, RefusedError, TimeoutError) as error:
                if isinstance(error, RefusedError) or attempt == JOIN_TRIES:
                    log.warning("not joined; invite again", room=room, by=sender, error=str(error))
                    return
                await self._sleep(backoff.failed(getattr(error, "wait_s", 0.0)))
            else:
                log.info("joined", room=room, by=sender)
                return

    async def _refuse(self, room: str, at: str) -> None:
        log.warning("leaving an encrypted room", room=room)
        once = hashlib.sha256(f"{room}\x1f{at}".encode()).hexdigest()  # said once, however often this is tried
        content = {"msgtype": "m.notice", "body": ENCRYPTED, "m.mentions": {}}
        try:
            await answer_of(self._client.room_send(room, "m.room.message", content, once), f"speaking in {room}")
        except RefusedError as error:
            log.warning("left without a word", room=room, error=str(error))
        try:
            await answer_of(self._client.room_leave(room), f"leaving {room}")
        except RefusedError as error:
            log.warning("not left", room=room, error=str(error))
