"""The wide rule: what a maintainer would write in an afternoon instead of training anything. Pure code, no weights.

A peer of the benchmarks only: ``is_question`` from question marks, openers, help-seeking phrases and Chinese
particles; ``needs_context`` from pronouns and ellipsis. English and Chinese. Patterns and word counts were chosen on
training rows.
"""

import re
from collections.abc import Callable, Mapping

from models.chat import Burst
from models.chattext import MAX_BURST_CHARS, clean, rename
from models.ids import QuestionId

_ADDRESSED = re.compile(r"^\s*(?:P\d+|[\w\-\[\]|`^]{2,20})\s*[:,]\s+")
"""``nick: `` in front of a message."""
_QUOTED = re.compile(r"https?://\S+|`[^`]*`")
"""Addresses and code hold question marks that ask nothing."""
_WORD = re.compile(r"[\u4e00-\u9fff]|\w+?(?=[\u4e00-\u9fff]|\W|$)")
"""A word, or one Chinese character."""

_OPENING = r"(?:^|[.!;:,]\s|\b(?:so|but|and|ok|okay|hi|hey|hello|also|well|now|guys|all|question|wondering|know)\s)"
_OPENERS = (
    r"how (?:do|does|did|can|could|would|should|to|come|many|much|about)",
    r"what(?:'?s| is| are| do| does| did| would| should| can| about| kind| if)",
    r"why (?:is|are|do|does|did|can|would|isn|don|not)",
    r"where (?:is|are|do|does|can|would)",
    r"when (?:do|does|is|will|did)",
    r"who (?:is|are|can|has|knows)",
    r"which (?:one|is|are|version|of|package)",
    r"(?:can|could|would|will) (?:you|u|i|we|anyone|anybody|someone|somebody|it|this)",
    r"is (?:there|it|this|that|anyone|anybody|someone|somebody)",
    r"are (?:there|you|u|these|those)",
    r"do (?:you|u|i|we|they|any)",
    r"does (?:it|that|this|any|the)",
    r"did (?:you|u|i|it)",
    r"has (?:any|some)",
    r"have (?:you|u|any)",
    r"(?:should i|may i|am i)",
    r"any(?:one|body) (?:know|here|got|have|has|used|tried|around|else|using|familiar|can)",
)
"""Wh-words and inverted auxiliaries at the start of a sentence, with or without a question mark."""
_SEEKING = (
    r"\bany (?:ideas?|suggestions?|help|advice|thoughts|clue|hints?|pointers|tips|way)\b",
    r"\b(?:can|could|would|will) (?:any(?:one|body)|some(?:one|body)|you|u)\b",
    r"\b(?:does|do|did|has|have|is) any(?:one|body)\b",
    r"\bany(?:one|body) (?:know|here|got|have|has|can)\b",
    r"\b(?:need|want|could use|looking for|seeking|require)\b[^.]{0,12}\b(?:help|advice|assistance|suggestion)",
    r"\b(?:please|pls|plz) (?:help|tell|explain|advise|assist)",
    r"\bhelp (?:me|please|pls|plz)\b",
    r"\bhelp!",
    r"\b(?:wondering|curious|tell me|(?:you|u|anyone|anybody) know) (?:if|how|why|what|where|which|whether|when)\b",
    r"\bi(?:'?m| am) (?:trying|having|looking for|unable|stuck|confused)\b",
    r"\b(?:quick|have a) question\b",
    r"\bi (?:can'?t|cannot) (?:get|find|seem|figure|make|install|connect|boot|start|open|log)\b",
    r"\bhow (?:do|can|would|should) (?:i|you|we|u)\b",
)
"""Help sought in other words."""
_CHINESE = (
    r"[吗呢么嘛]\s*(?:$|[\s/。！!~…])",  # noqa: RUF001 - Chinese punctuation is meant
    r"什么|怎么|怎样|咋|为啥|干嘛|干吗|为何|哪[里儿个些位]|哪\b|谁|几[个点时]|多少|多[久大长]|如何|请问|求助|有谁",
    r"是不是|有没有|能不能|可不可以|行不行|好不好|对不对|要不要|会不会|知不知道",
)
"""Particles, question words, and A-not-A."""
_MARKS = r"[?？]"  # noqa: RUF001 - the Chinese question mark is meant
_PRONOUN = re.compile(
    r"\b(?:it|its|it's|that|this|these|those|they|them|he|she|him|her|one|ones|same)\b|[它他她这那]|上面|刚才|之前",
    re.IGNORECASE,
)
LONG, SHORT = 18, 6
"""Words up to which a pronoun is taken to point outside the burst, and below which anything is an ellipsis."""
_ASKS = re.compile(
    "|".join([_MARKS, rf"{_OPENING}(?:{'|'.join(_OPENERS)})\b", *_SEEKING, *_CHINESE]), re.IGNORECASE | re.MULTILINE
)


def asks(burst: Burst) -> bool:
    """Tell whether a burst looks like asking for something."""
    return any(_ASKS.search(line) for line in _lines(burst))


def leans(burst: Burst) -> bool:
    """Tell whether a burst looks as if it could not be understood without the chat before it."""
    text = " ".join(_lines(burst))
    words = len(_WORD.findall(text))
    return words < SHORT or (words <= LONG and _PRONOUN.search(text) is not None)


RULES: Mapping[QuestionId, Callable[[Burst], bool]] = {
    QuestionId("is_question"): asks,
    QuestionId("needs_context"): leans,
}
"""The questions that have a wide rule."""


def _lines(burst: Burst) -> list[str]:
    names = {m.sender: "P1" for m in burst.window}
    text = rename(clean(burst.text, MAX_BURST_CHARS), names)
    return [_ADDRESSED.sub("", _QUOTED.sub(" ", line)) for line in text.split(" / ")]
