"""What the bot said, as a chat event under the id by which the platform will report it."""

from datetime import datetime

from models.chat import Burst, ChatEvent
from models.ids import EventId, MemberId

NAME = MemberId("quandary")
"""Who said it, in the inbox; a platform has a name of its own for the bot."""


def echo(
    said: EventId,
    to: ChatEvent | Burst,
    at: datetime,
    *,
    text: str = "",
    thread: str | None = None,
    reply_to: EventId | None = None,
) -> ChatEvent:
    """The event of a message in the room of ``to``; without ``text`` it only keeps the id known."""
    return ChatEvent(
        id=said,
        platform=to.platform,
        room=to.room,
        thread=thread,
        sender=NAME,
        text=text,
        sent_at=at,
        reply_to=reply_to,
        is_bot=True,
    )
