"""From a prompt to token ids: trusted and untrusted segments tokenized apart, then joined to fit a budget."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.errors import ModelError
from models.ids import QuestionId
from models.prompt import LETTERS, Branch, Prompt, Segment


class Tokenizer(Protocol):
    """Turns text into token ids; with ``special`` off, text that looks like a special token stays plain text."""

    def ids(self, text: str, *, special: bool) -> list[int]:
        """Tokenize one segment; no begin- or end-of-text token is added."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBranch:
    """A branch's token ids, and the id of each option letter in the branch's order."""

    question: QuestionId
    order: tuple[int, ...]
    ids: tuple[int, ...]
    letters: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPrompt:
    """A prompt as token ids. A branch is read after preamble and chat, apart from the other branches."""

    preamble: tuple[int, ...]
    chat: tuple[int, ...]
    branches: tuple[EncodedBranch, ...]

    @property
    def length(self) -> int:
        """Tokens of the longest path through the prompt."""
        return len(self.preamble) + len(self.chat) + max((len(b.ids) for b in self.branches), default=0)


def join(segments: Iterable[Segment], tokenizer: Tokenizer) -> tuple[int, ...]:
    """Tokenize segments one by one and join their ids."""
    return tuple(i for segment in segments for i in tokenizer.ids(segment.text, special=segment.special))


def letter_ids(count: int, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Find the ids of the first ``count`` option letters; raises ModelError where a letter is not a single token."""
    found = [tokenizer.ids(letter, special=False) for letter in LETTERS[:count]]
    for letter, ids in zip(LETTERS, found, strict=False):
        if len(ids) != 1:
            raise ModelError(f"the model's tokenizer splits the option letter {letter!r}; choose another model")
    return tuple(ids[0] for ids in found)


def encode_branch(branch: Branch, tokenizer: Tokenizer) -> EncodedBranch:
    """Tokenize one branch."""
    return EncodedBranch(
        question=branch.question,
        order=branch.order,
        ids=join(branch.segments, tokenizer),
        letters=letter_ids(len(branch.order), tokenizer),
    )


def fit_chat(messages: Sequence[tuple[int, ...]], burst: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Join window and burst into at most ``room`` ids: oldest messages go first, then the middle of the burst."""
    if len(burst) > room:
        head = room // 2
        return burst[:head] + burst[len(burst) - (room - head) :]
    kept: list[tuple[int, ...]] = []
    left = room - len(burst)
    for message in reversed(messages):
        if len(message) > left:
            break
        kept.append(message)
        left -= len(message)
    return tuple(i for message in reversed(kept) for i in message) + burst


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What all prompts with the same questions have in common, as token ids; ``room`` is what the chat may take."""

    preamble: tuple[int, ...]
    branches: tuple[EncodedBranch, ...]
    room: int

    def filled(self, messages: Iterable[Segment], burst: Segment, tokenizer: Tokenizer) -> EncodedPrompt:
        """Tokenize window and burst into the room."""
        lines = [join((segment,), tokenizer) for segment in messages]
        chat = fit_chat(lines, join((burst,), tokenizer), self.room)
        return EncodedPrompt(preamble=self.preamble, chat=chat, branches=self.branches)


def encode_template(
    preamble: Iterable[Segment], branches: Iterable[Branch], tokenizer: Tokenizer, budget: int
) -> Template:
    """Tokenize what does not depend on the burst; no path through a prompt will be longer than ``budget`` tokens.

    Raises ModelError where preamble and branches alone leave less than 32 tokens for the chat.
    """
    ids = join(preamble, tokenizer)
    encoded = tuple(encode_branch(branch, tokenizer) for branch in branches)
    room = budget - len(ids) - max((len(b.ids) for b in encoded), default=0)
    if room < MIN_CHAT_TOKENS:
        raise ModelError(
            f"questions take {budget - room} of {budget} prompt tokens and leave too few for the chat; "
            "raise decide.max_prompt_tokens or shorten the questions"
        )
    return Template(preamble=ids, branches=encoded, room=room)


def encode(prompt: Prompt, tokenizer: Tokenizer, budget: int) -> EncodedPrompt:
    """Tokenize a prompt so that no path through it is longer than ``budget`` tokens.

    Raises ModelError where preamble and branches alone leave less than 32 tokens for the chat.
    """
    template = encode_template(prompt.preamble, prompt.branches, tokenizer, budget)
    return template.filled(prompt.messages, prompt.burst, tokenizer)


MIN_CHAT_TOKENS = 32
"""Below this many tokens for window and burst a decision would be a guess."""
