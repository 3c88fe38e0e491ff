"""Telegram's updates as chat events. Pure."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog
from aiogram.types import Message, MessageReactionUpdated, Update, User
from pydantic import ValidationError

from models.chat import ChatEvent, EventKind
from models.ids import EventId, MemberId, RoomId

PLATFORM = "telegram"
KINDS = ["message", "edited_message", "message_reaction"]
"""The updates that we ask for; reactions come only where the bot is an administrator."""

log = structlog.get_logger(__name__)


def events_of(raw: dict[str, Any], me: User | None) -> list[ChatEvent]:
    """Read one update; ``me`` is the bot's account. What we do not know (a newer kind) is no event."""
    try:
        update = Update.model_validate(raw)
    except ValidationError as error:
        log.warning("an update that this version cannot read", update=raw["update_id"], faults=error.error_count())
        return []
    if update.message is not None:
        return [_message(update.message, me)]
    if update.edited_message is not None:
        return [_edit(update.edited_message, me, update.update_id)]
    if update.message_reaction is not None:
        return _reactions(update.message_reaction, update.update_id)
    return []


def event_id(chat: int, message: int) -> EventId:
    """The id under which a message is known."""
    return EventId(f"{PLATFORM}:{chat}:{message}")


def message_number(event: EventId) -> int:
    """Telegram's own number of a message."""
    return int(event.split(":")[2])


def _message(message: Message, me: User | None) -> ChatEvent:
    speaker = message.sender_chat or message.from_user or message.chat  # a hidden admin, a channel, or a member
    answered = message.reply_to_message
    if answered is not None and answered.forum_topic_created is not None:
        answered = None  # every message of a topic points to the topic's beginning
    return ChatEvent(
        id=event_id(message.chat.id, message.message_id),
        platform=PLATFORM,
        room=RoomId(str(message.chat.id)),
        sender=MemberId(str(speaker.id)),
        text=message.text or message.caption or "",
        sent_at=message.date.astimezone(UTC),
        thread=str(message.message_thread_id) if message.is_topic_message else None,
        reply_to=None if answered is None else event_id(message.chat.id, answered.message_id),
        is_bot=message.sender_chat is None and message.from_user is not None and message.from_user.is_bot,
        mentions_bot=me is not None and _speaks_to(me, message, answered),
    )


def _edit(message: Message, me: User | None, update_id: int) -> ChatEvent:
    said = _message(message, me)
    edited_at = said.sent_at if message.edit_date is None else datetime.fromtimestamp(message.edit_date, UTC)
    key = EventId(f"{said.id}:edit-{update_id}")
    return replace(said, id=key, sent_at=edited_at, kind=EventKind.EDIT, target=said.id)


def _speaks_to(me: User, message: Message, answered: Message | None) -> bool:
    if message.chat.type == "private":
        return True
    if answered is not None and answered.from_user is not None and answered.from_user.id == me.id:
        return True
    text, name = message.text or message.caption or "", f"@{me.username}".casefold()
    for entity in message.entities or message.caption_entities or ():
        if entity.type == "text_mention" and entity.user is not None and entity.user.id == me.id:
            return True
        said = entity.extract_from(text).casefold()
        if (entity.type == "mention" and said == name) or (entity.type == "bot_command" and said.endswith(name)):
            return True
    return False


def _reactions(change: MessageReactionUpdated, update_id: int) -> list[ChatEvent]:
    """The reactions that a change added, an event each."""
    actor = change.user or change.actor_chat or change.chat
    target = event_id(change.chat.id, change.message_id)
    before = {_key(reaction) for reaction in change.old_reaction}
    added = [key for reaction in change.new_reaction if (key := _key(reaction)) not in before]
    return [
        ChatEvent(
            id=EventId(f"{target}:reaction-{update_id}-{number}"),
            platform=PLATFORM,
            room=RoomId(str(change.chat.id)),
            sender=MemberId(str(actor.id)),
            text=key,
            sent_at=change.date.astimezone(UTC),
            kind=EventKind.REACTION,
            target=target,
            is_bot=change.user is not None and change.user.is_bot,
        )
        for number, key in enumerate(added)
    ]


def _key(reaction: Any) -> str:
    """A reaction's emoji, or what else names it (a custom emoji's id, "paid")."""
    shown = reaction.model_dump()
    return str(shown.get("emoji") or shown.get("custom_emoji_id") or shown["type"])
