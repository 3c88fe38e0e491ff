"""What annotators read beside the form: how to work, and each question's own guidelines."""

from collections.abc import Sequence

from models.question import Question

_CHARS_MAX = 10_000  # Argilla takes no more

_INTRODUCTION = """\
You see the last message of one member of a group chat, and the chat before it. Names are replaced: **S** wrote the last
message, **P1**, **P2** ... are the others, in order of appearance. What is in [brackets] was masked.

Answer for the last message. Discard what you cannot or do not want to judge. A suggested answer is a small model's
guess: it is often wrong, so judge for yourself. **Rewrite** is optional: if the message cannot be understood without
the chat, write it so that it can, with words from the chat.
"""


def guidelines_of(questions: Sequence[Question]) -> str:
    """Render the guidelines as markdown; what config.toml says of a question stands under its text."""
    parts = [_INTRODUCTION, *(f"## {q.text}\n\n{q.guidelines or q.definition}" for q in questions)]
    return "\n\n".join(parts)[:_CHARS_MAX]
