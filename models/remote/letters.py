"""From a server's answer to the option letters' log-probabilities. Pure.

Servers list only the most likely tokens. A letter that is not among them gets a floor: the least likely listed token's
log-probability, or that of all the probability that is not listed, whichever is lower. It cannot be more likely than
either, so its share is overstated at the most.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from models.prompt import LETTERS

TINY = 1e-12
"""Probability that counts as nothing left to share out."""


class Unreadable(ValueError):  # noqa: N818 - a state of an answer; seen inside this package only
    """A server's answer that holds no usable log-probabilities; the message says what is wrong with it."""


def top_tokens(body: Any) -> dict[str, float]:
    """Read the listed tokens of the first position, and their log-probabilities (nats), from a parsed answer.

    Both forms are read: completions' table (``top_logprobs: [{token: nats}]``; vLLM, llama-cpp-python) and chat's list
    (``content: [{top_logprobs: [{token, logprob}]}]``; llama-server sends it for completions, too). Raises Unreadable.
    """
    try:
        found = body["choices"][0]["logprobs"]
        listed = found.get("content")
        pairs = dict(_pairs(listed[0]["top_logprobs"]) if listed else found["top_logprobs"][0].items())
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Unreadable(f"it holds no top log-probabilities ({error!r})") from error
    top: dict[str, float] = {}
    for token, nats in pairs.items():
        if isinstance(nats, bool) or not isinstance(nats, int | float) or not -math.inf < nats <= TINY:
            raise Unreadable(f"{nats!r} is no log-probability")
        top[str(token)] = min(float(nats), 0.0)
    return top


def letter_scores(top: Mapping[str, float], count: int) -> list[float]:
    """Log-probabilities (nats) of the first ``count`` option letters; raises Unreadable where none is listed."""
    found = [_nats(top, letter) for letter in LETTERS[:count]]
    if all(nats is None for nats in found):
        raise Unreadable("no option letter is among its most likely tokens; raise top_logprobs or serve another model")
    left = 1 - sum(math.exp(nats) for nats in top.values())
    floor = min(*top.values(), math.log(max(left, TINY)))
    return [floor if nats is None else nats for nats in found]


def _nats(top: Mapping[str, float], letter: str) -> float | None:
    """The bare letter; where a tokenizer knows only one with a space before it, that one."""
    if letter in top:
        return top[letter]
    return next((nats for token, nats in top.items() if token.lstrip(" ▁Ġ") == letter), None)


def _pairs(listed: Any) -> Iterator[tuple[Any, Any]]:
    for entry in listed:
        yield entry["token"], entry["logprob"]
