"""What is sent to a server: the one renderer's prompt as text, as token ids or as chat messages. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import ModelError
from models.prompt import Branch, Prompt, Segment
from models.remote.neutral import neutral
from models.settings import ServerSettings
from models.tokens import MIN_CHAT_TOKENS, EncodedPrompt, Tokenizer, encode, fit_chat

QUARTERS = 4
"""Without the server's tokenizer, four ASCII characters are taken for a token, and any other character for one."""
_REST = -1
_BEGIN, _END = "<|im_start|>", "<|im_end|>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One branch as a request: where it is posted, what with, and how many letters the answer chooses from."""

    path: str
    body: dict[str, Any]
    letters: int


def requests_of(
    prompt: Prompt, server: ServerSettings, budget: int, tokenizer: Tokenizer | None = None
) -> tuple[Asked, ...]:
    """One request a branch, in the prompt's order, each about at most ``budget`` tokens long.

    ``tokenizer`` is the served model's, needed for ``prompt = "tokens"``. Raises ModelError where the questions leave
    no room for the chat.
    """
    if tokenizer is not None:
        encoded = encode(prompt, tokenizer, budget)
        if server.prompt == "tokens":
            return tuple(_tokens(encoded, server))
    longest = max(_size(branch.segments) for branch in prompt.branches)
    trunk = (*prompt.preamble, Segment(fitted(prompt, budget - _size(prompt.preamble) - longest)))
    make = _chat if server.prompt == "chat" else _text
    return tuple(make(trunk, branch, server) for branch in prompt.branches)


def fitted(prompt: Prompt, room: int) -> str:
    """Window and burst in about ``room`` tokens: oldest messages go first, then the middle of the burst.

    The same rule as for token ids, over quarters of tokens.
    """
    if room < MIN_CHAT_TOKENS:
        raise ModelError(
            "the questions leave too few of the prompt's tokens for the chat; "
            "raise decide.max_prompt_tokens or shorten the questions"
        )
    kept = fit_chat([_quarters(m.text) for m in prompt.messages], _quarters(prompt.burst.text), room * QUARTERS)
    return "".join(chr(code) for code in kept if code != _REST)


def text_of(segments: Sequence[Segment]) -> str:
    """Join segments to one text in which only the template's special tokens are whole."""
    return "".join(segment.text if segment.special else neutral(segment.text) for segment in segments)


def messages_of(segments: Sequence[Segment]) -> list[dict[str, str]]:
    """Read the template back as chat messages; the assistant's turn, which nobody has written yet, is left out."""
    found: list[dict[str, str]] = []
    said = ""
    for segment in segments:
        if not segment.special:
            said += neutral(segment.text)
        elif segment.text == _BEGIN:
            said = ""
        elif segment.text == _END:
            role, _, content = said.partition("\n")
            found.append({"role": role, "content": content})
    return found


def _text(trunk: tuple[Segment, ...], branch: Branch, server: ServerSettings) -> Asked:
    return _completion(text_of((*trunk, *branch.segments)), len(branch.order), server)


def _tokens(prompt: EncodedPrompt, server: ServerSettings) -> Iterator[Asked]:
    for branch in prompt.branches:
        yield _completion([*prompt.preamble, *prompt.chat, *branch.ids], len(branch.letters), server)


def _completion(prompt: str | list[int], letters: int, server: ServerSettings) -> Asked:
    asked = {"prompt": prompt, "logprobs": server.top_logprobs}
    return Asked(path="completions", body=_common(server) | asked, letters=letters)


def _chat(trunk: tuple[Segment, ...], branch: Branch, server: ServerSettings) -> Asked:
    messages = messages_of((*trunk, *branch.segments))
    asked = {"messages": messages, "logprobs": True, "top_logprobs": server.top_logprobs}
    return Asked(path="chat/completions", body=_common(server) | asked, letters=len(branch.order))


def _common(server: ServerSettings) -> dict[str, Any]:
    return {"model": server.model, "max_tokens": 1, "temperature": 0.0}


def _quarters(text: str) -> tuple[int, ...]:
    """A text as quarters of tokens: one for an ASCII character, four for any other."""
    return tuple(code for c in text for code in ((ord(c),) if c.isascii() else (ord(c), _REST, _REST, _REST)))


def _size(segments: Sequence[Segment]) -> int:
    """About how many tokens, rounded up."""
    return -(-sum(len(_quarters(segment.text)) for segment in segments) // QUARTERS)
