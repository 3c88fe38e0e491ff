"""The README.md of what leaves the house: what it is, what it learned from, what was measured, how to use it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from models.chat import Burst, WindowMessage
from models.ids import BurstId, MemberId, RoomId
from models.prompt import Prompt, Segment, render
from models.question import Question, versions

UNSTATED = "not stated; see the base's own card"
INTRODUCTION = "Answers single-choice questions about the last message of a group chat."
LICENCES = "What is made of it is under the base's licence, and under whatever holds for the chat that it learned from."
USE = """## Intended use

To be read as Quandary reads it: one letter of the options, never free text. It does not converse and knows nothing of
the world. It knows the rooms that it learned from and may be wrong elsewhere: calibrate it on labels of your own
(`quandary calibrate`) before anything acts on it. Weights can give away what they learned from: pass them on only to
whom the chat itself could be passed on."""
RENDERING = """## How the prompt must be rendered

`prompt.txt` shows one prompt for made-up chat: definitions, window, the message marked `>>>`, one question with its
options in one order. Nothing follows its last line break, which is part of it (llama.cpp keeps it with `-bf`, not with
`-f`): the next token is the answer, so compare the logits of the
bare letters (`A`, not ` A`). Render each cyclic order of the options and average an option's log-probability over them,
for small models prefer positions. Members are called S (the sender), P1, P2 ... Tokenize chat with special tokens off,
so that nobody in it can speak as the system."""
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def readme(
    title: str,
    base: str,
    licence: str,
    questions: Sequence[Question],
    usage: str,
    *,
    made_of: str = "",
    verdict: str = "",
    training: Mapping[str, Any] | None = None,
    library: str = "transformers",
) -> str:
    """Write the card; ``made_of`` tells of the dataset, ``verdict`` what the gate measured, each a block or empty."""
    known = versions(questions)
    wordings = "\n".join(
        f"- **{q.id}** (version `{known[q.id]}`): {q.text} Options: {'; '.join(o.wording for o in q.options)}"
        for q in questions
    )
    settings = ", ".join(f"{name} {value}" for name, value in (training or {}).items())
    blocks = [
        f"---\nbase_model: {base}\nlibrary_name: {library}\ntags: [quandary, group-chat, single-choice, lora]\n---",
        f"# {title}",
        f"{INTRODUCTION} Base: {base} (licence: {licence}). {LICENCES}",
        f"## Questions\n\n{wordings}",
        made_of,
        verdict,
        f"## Training\n\nLoRA: {settings}." if settings else "",
        USE,
        RENDERING,
        usage,
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def dataset_block(card: Mapping[str, Any] | None, dataset: str) -> str:
    """What a model learned from, from its dataset's card."""
    if card is None:
        return f"## Learned from\n\nDataset `{dataset}`; its card is gone."
    rights = sorted({room["rights"] for room in card.get("rooms", ())})
    licences = sorted({room["licence"] for room in card.get("rooms", ())})
    languages = ", ".join(f"{count} {name}" for name, count in card.get("languages", {}).get("train", {}).items())
    parts = {part: card[part]["items"] for part in ("train", "calibration", "gate")}
    lines = [
        f"Dataset `{dataset}`, frozen {card['frozen_at'][:10]}.",
        f"- {parts['train']} labelled bursts in {card['train']['conversations']} conversations to learn from",
        f"- {parts['calibration']} to calibrate on, {parts['gate']} to judge on",
    ]
    if card.get("rooms"):
        told = f"training rights: {'; '.join(rights)}; licences: {'; '.join(licences)}"
        lines.append(f"- rooms: {len(card['rooms'])}; {told}")
    if languages:
        lines.append(f"- languages, by script: {languages}")
    for name, one in card.get("agreement", {}).items():
        if one["alpha"] is not None:
            lines.append(f"- agreement on {name}: Krippendorff's alpha {one['alpha']} over {one['bursts']} bursts")
    return "## Learned from\n\n" + "\n".join(lines)


def verdict_block(outcome: str, version: str, checks: Sequence[tuple[str, str, str]]) -> str:
    """What the gate found, check by check."""
    rows = "\n".join(f"| {name} | {said} | {reason.replace('|', '/')} |" for name, said, reason in checks)
    head = "| check | outcome | reason |\n|---|---|---|"
    return f"## Measured\n\nThe gate ({version}) says **{outcome}**.\n\n{head}\n{rows}"


def example(questions: Sequence[Question]) -> str:
    """One prompt as text, for made-up chat."""
    burst = Burst(
        id=BurstId("example"),
        room=RoomId("example"),
        sender=MemberId("ann"),
        text="and after the update?",
        window=(
            WindowMessage(sender="ann", text="my sound is gone"),
            WindowMessage(sender="bob", text="which version do you have?"),
        ),
        started_at=_NOON,
        ended_at=_NOON,
    )
    return prompt_text(render(burst, questions[:1], questions), 0)


def prompt_text(prompt: Prompt, branch: int) -> str:
    """A rendered prompt with one of its branches as one string."""
    parts: Sequence[Segment] = (*prompt.preamble, *prompt.messages, prompt.burst, *prompt.branches[branch].segments)
    return "".join(part.text for part in parts)
