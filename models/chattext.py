"""Chat text made fit to be read by a model: valid Unicode, bounded, on one line, with friendly names.

Chat text is untrusted. Nothing here interprets it; the tokenizers read it with special tokens off.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

MAX_BURST_CHARS = 2000
MAX_MESSAGE_CHARS = 500
SPEAKER = "S"
"""The friendly name of whoever sent the burst; the others are P1, P2 ... in order of appearance."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_BREAK = re.compile(r"[^\S\n]*\n\s*")


def clean(text: str, limit: int) -> str:
    """Make chat text readable: at most ``limit`` characters, NFC, no control characters, lines joined by `` / ``.

    A lone surrogate becomes U+FFFD. What is too long keeps its first three quarters and its end, because a question
    often stands last. llama.cpp does not normalise, so it is done here, once for all backends.
    """
    if len(text) > limit:
        head = limit * 3 // 4
        text = f"{text[:head]} … {text[len(text) - (limit - head - 3) :]}"
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _CONTROL.sub(" ", unicodedata.normalize("NFC", text.replace("\r\n", "\n")))
    return _BREAK.sub(" / ", text.strip())


def friendly_names(speaker: str, others: Iterable[str]) -> dict[str, str]:
    """Map platform names to friendly ones: the burst's sender is S, everybody else P1, P2 ... by first appearance."""
    names = {speaker: SPEAKER}
    for name in others:
        names.setdefault(name, f"P{len(names)}")
    return names


def rename(text: str, names: Mapping[str, str]) -> str:
    """Replace whole-word mentions of known members by their friendly names."""
    known = [name for name in names if name and len(name) > 1]
    if not known or not any(name in text for name in known):
        return text
    pattern = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", lambda found: names[found.group(0)], text)
