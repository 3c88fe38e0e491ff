"""What members tell the bot itself: ``!quandary help`` and its like, read from a message's text. Pure."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from models.chat import ChatEvent, EventKind

Tongue = Literal["en", "zh"]

_PREFIX = "!quandary"
_MARKS = ("!", "\uff01")  # the second is what a Chinese keyboard types
_HEAD_CHARS = 64
_LONGEST_H = 24.0 * 365
_GLUED = re.compile(r"(?<=[\u4e00-\u9fff])(?=\d)")
"""Where Chinese leaves out a space: before a number."""
_SPLIT = re.compile(r"(?:[\s,;:\uff0c\u3002\uff1b\uff1a]|\.(?!\d))+")
_SPAN = re.compile(r"^(\d{1,5}(?:\.\d{1,3})?)(h|hours?|小时|小時|m|min|mins|minutes?|分钟|分鐘)?$")
_UNITS = frozenset({"h", "hour", "hours", "小时", "小時", "m", "min", "mins", "minute", "minutes", "分钟", "分鐘"})
_MINUTES = ("m", "分")


class Verb(StrEnum):
    """What an order asks for; the value is its English word."""

    HELP = "help"
    WHY = "why"
    RECALL = "recall"
    PAUSE = "pause"
    RESUME = "resume"
    OPT_OUT = "optout"
    OPT_IN = "optin"
    FORGET = "forget"
    UNKNOWN = ""


CHINESE = {
    Verb.HELP: ("帮助", "幫助"),
    Verb.WHY: ("为什么", "为何", "為什麼", "為何"),
    Verb.RECALL: ("撤回",),
    Verb.PAUSE: ("暂停", "暫停"),
    Verb.RESUME: ("恢复", "继续", "恢復", "繼續"),
    Verb.OPT_OUT: ("退出",),
    Verb.OPT_IN: ("加入",),
    Verb.FORGET: ("忘记", "遗忘", "忘記", "遺忘"),
}
"""Chinese words, the one that sentences use first."""
_WORDS: dict[str, tuple[Verb, Tongue]] = {
    **{verb.value: (verb, "en") for verb in Verb if verb.value},
    **{word: (verb, "zh") for verb, words in CHINESE.items() for word in words},
    "opt-out": (Verb.OPT_OUT, "en"),
    "opt-in": (Verb.OPT_IN, "en"),
}
_EVERYWHERE = frozenset({"everywhere", "all", "所有", "所有群", "全部"})
_SCOPED = frozenset({Verb.OPT_OUT, Verb.OPT_IN, Verb.FORGET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order. ``tongue`` is that of its word, None where there is none or it is unknown.

    ``everywhere`` widens it from the room to all rooms; ``hours`` is how long a pause lasts (None: until resumed).
    """

    verb: Verb
    tongue: Tongue | None = None
    everywhere: bool = False
    hours: float | None = None


def is_order(text: str) -> bool:
    """Tell whether a message speaks to the machine; cheap, for it is asked about every message."""
    head = text[:_HEAD_CHARS].lstrip()
    return head.startswith(_MARKS) and head[1 : len(_PREFIX)].lower() == _PREFIX[1:]


def told_apart(event: ChatEvent) -> ChatEvent:
    """Make an order of a member's message that is one: from then on nobody takes it for chat.

    An edit that makes an order of what was said before only takes that away.
    """
    if event.kind not in (EventKind.MESSAGE, EventKind.EDIT) or event.is_bot or not is_order(event.text):
        return event
    return replace(event, kind=EventKind.ORDER) if event.kind is EventKind.MESSAGE else replace(event, text="")


def parse(text: str) -> Order:
    """Read an order. What has a word too many is UNKNOWN, for nobody's messages may be erased by a misunderstanding.

    A lone ``!quandary`` asks for help.
    """
    rest = text.strip()[len(_PREFIX) :].lower()
    words = [word for word in _SPLIT.split(_GLUED.sub(" ", rest)) if word]
    if not words:
        return Order(verb=Verb.HELP)
    verb, tongue = _WORDS.get(words[0], (Verb.UNKNOWN, None))
    order = Order(verb=verb, tongue=tongue)
    if len(words) == 1 or verb is Verb.UNKNOWN:
        return order
    if verb in _SCOPED and len(words) == 2 and words[1] in _EVERYWHERE:
        return replace(order, everywhere=True)
    if verb is Verb.PAUSE and (hours := _hours(words[1:])) is not None:
        return replace(order, hours=hours)
    return Order(verb=Verb.UNKNOWN, tongue=tongue)


def _hours(words: list[str]) -> float | None:
    """``2``, ``2h``, ``30 minutes``, ``2小时``; None for anything else, and for more than a year."""
    joined = "".join(words) if len(words) == 1 or (len(words) == 2 and words[1] in _UNITS) else ""
    found = _SPAN.match(joined)
    if found is None:
        return None
    hours = float(found[1]) / (60 if (found[2] or "h").startswith(_MINUTES) else 1)
    return hours if 0 < hours <= _LONGEST_H else None
