"""The one renderer: a burst and questions become a prompt, the same for training, evaluation and serving.

A prompt is a trunk and branches. The trunk is the preamble (definitions of all questions, the same for every burst, so
its key-value cache is computed once) and the chat (window, then burst). Each branch is one question with its options in
one order. All branches share the trunk, so that a batch of branches reads the chat once. The answer is the one token
that follows a branch, an option letter.

    preamble  <|im_start|>system ... definitions ... <|im_end|> <|im_start|>user
    chat      P1: earlier message
              >>> S: the burst
    branch    the question, A. ... B. ... C. ... <|im_end|> <|im_start|>assistant       -> "B"
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.chat import Burst, WindowMessage
from models.chattext import MAX_BURST_CHARS, MAX_MESSAGE_CHARS, clean, friendly_names, rename
from models.ids import QuestionId
from models.question import Question

LETTERS = "ABCDEFGH"
TASK = "You read a group chat and answer single-choice questions about its last message, marked >>>."


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt that is tokenized apart; only a ``special`` one may hold special tokens."""

    text: str
    special: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One question with its options in one order; ``order[i]`` is the option index that letter i stands for."""

    question: QuestionId
    order: tuple[int, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A rendered prompt. ``messages`` are the window's lines, oldest first, dropped from the left to fit."""

    preamble: tuple[Segment, ...]
    messages: tuple[Segment, ...]
    burst: Segment
    branches: tuple[Branch, ...]


def cyclic(count: int) -> tuple[tuple[int, ...], ...]:
    """List the cyclic permutations of ``count`` options: each option stands once in each position."""
    return tuple(tuple((start + i) % count for i in range(count)) for start in range(count))


def preamble(questions: Sequence[Question]) -> tuple[Segment, ...]:
    """Render what comes before every chat: the task and the definitions of all questions."""
    text = "\n".join([TASK, *(question.definition for question in questions)])
    return (
        Segment("<|im_start|>", special=True),
        Segment(f"system\n{text}"),
        Segment("<|im_end|>", special=True),
        Segment("\n"),
        Segment("<|im_start|>", special=True),
        Segment("user\n"),
    )


def branch(question: Question, order: tuple[int, ...]) -> Branch:
    """Render a question with its options in the given order."""
    options = "\n".join(f"{LETTERS[i]}. {question.options[o].wording}" for i, o in enumerate(order))
    segments = (
        Segment(f"{question.text}\n{options}"),
        Segment("<|im_end|>", special=True),
        Segment("\n"),
        Segment("<|im_start|>", special=True),
        Segment("assistant\n"),
    )
    return Branch(question=question.id, order=order, segments=segments)


def branches(asked: Sequence[Question]) -> tuple[Branch, ...]:
    """Render every cyclic order of the questions asked."""
    return tuple(branch(question, order) for question in asked for order in cyclic(len(question.options)))


def chat_lines(text: str, sender: str, window: Sequence[WindowMessage]) -> tuple[tuple[Segment, ...], Segment]:
    """Render window and burst as one line each, with friendly names instead of the platform's."""
    names = friendly_names(sender, (m.sender for m in window))
    lines = tuple(
        Segment(f"{names[m.sender]}: {rename(clean(m.text, MAX_MESSAGE_CHARS), names)}\n") for m in window if m.text
    )
    return lines, Segment(f">>> {names[sender]}: {rename(clean(text, MAX_BURST_CHARS), names)}\n")


def render(burst: Burst, asked: Sequence[Question], questions: Sequence[Question]) -> Prompt:
    """Render a burst with every cyclic order of the questions asked; the preamble defines all ``questions``."""
    messages, last = chat_lines(burst.text, burst.sender, burst.window)
    return Prompt(preamble=preamble(questions), messages=messages, burst=last, branches=branches(asked))
