"""What the family is trained on: chat in the prompt's own look, public single-choice sets, and the gold train files."""

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.chat import WindowMessage
from models.errors import InputError
from models.item import Item
from models.labelled import read_items
from models.prompt import chat_lines
from models.question import Question
from retrain.starter.aside import set_aside

BARRED = frozenset(
    {
        "ubuntu/2016-02-22_17",
        "ubuntu/2016-12-19_20",
        "rust/rust.1",
        "ubuntu/2009-03-03_10",
        "ubuntu/2012-11-30.train-a",
    }
)
"""Rooms of the demo and of the dev set: no shipped weight may have seen them."""
RAW_CHAT = ("chat_raw_en.jsonl.gz", "chat_replay_zh_cped_notime.jsonl")
PUBLIC = ("is_question_en_train.jsonl", "is_question_zh_train.jsonl", "cr_need_en_train.jsonl")
GOLD = ("group_chat_gold_train.jsonl", "dialogue_zh_gold_train.jsonl")
CHINESE = "CPED/"
"""How the rooms of the Chinese dialogue begin; the teacher reads English only."""
HELD_OUT = ("dialogue_zh_gold_dev.jsonl", "is_question_zh_dev.jsonl")
"""Dev files of conversations that the Chinese raw chat may hold too; these are left out of language modelling."""

_SPACED = re.compile(r" (?=[,.?!;:)\]]|'(?:s|m|re|ve|ll|d|t)\b|n't\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One line of raw chat."""

    room: str
    sender: str
    text: str


def read_chat(path: Path) -> list[Message]:
    """Read raw chat, gzipped or not; raises InputError where the file is missing or broken."""
    opened = gzip.open if path.suffix == ".gz" else Path.open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file if line.strip()]
        return [Message(room=row["room"], sender=row["sender"], text=row["text"]) for row in rows]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"cannot read the chat in {path}: {error!r}") from error


def conversation_key(conversation: str) -> str:
    """Name a conversation the same in all files: CPED's replay says ``CPED/``, the public set ``test/``."""
    head, _, rest = conversation.partition("/")
    return f"CPED/{rest}" if head in {"train", "valid", "test", "CPED"} else conversation


def raw_chat(folder: Path, questions: Sequence[Question]) -> list[Message]:
    """Collect the raw chat of all rooms that are neither barred nor held out."""
    away = set(BARRED)
    for name in HELD_OUT:
        if (folder / name).exists():
            away |= {conversation_key(i.conversation) for i in read_items(folder / name, questions)}
    found = [m for name in RAW_CHAT for m in read_chat(folder / name)]
    return [m for m in found if m.room not in away and conversation_key(m.room) not in away]


def documents(messages: Sequence[Message], rng: random.Random) -> Iterator[str]:
    """Cut raw chat into documents that look like a prompt's chat: up to 12 bursts as window, then ``>>>`` and a burst.

    Consecutive messages of one sender are joined, as bursts are.
    """
    bursts: list[WindowMessage] = []
    room = ""
    wanted = rng.randint(4, 13)
    for message in messages:
        if bursts and (message.room != room or (len(bursts) >= wanted and message.sender != bursts[-1].sender)):
            yield document(bursts)
            bursts, wanted = [], rng.randint(4, 13)
        room = message.room
        if bursts and bursts[-1].sender == message.sender and len(bursts[-1].text) < 300:
            bursts[-1] = WindowMessage(sender=message.sender, text=f"{bursts[-1].text}\n{message.text}")
        else:
            bursts.append(WindowMessage(sender=message.sender, text=message.text))
    if bursts:
        yield document(bursts)


def document(bursts: Sequence[WindowMessage]) -> str:
    """Render bursts exactly as a prompt does; the last one is the burst asked about."""
    lines, last = chat_lines(bursts[-1].text, bursts[-1].sender, bursts[:-1])
    return "".join(line.text for line in lines) + last.text


def unspace(text: str) -> str:
    """Undo the tokenized spelling of Molweni (``you 're here ?``)."""
    return _SPACED.sub("", text.replace("`` ", '"').replace(" ''", '"'))


def public_sets(folder: Path, questions: Sequence[Question]) -> list[list[Item]]:
    """Read the public single-choice sets, spelled as chat is, one list a file."""
    return [[_unspaced(i) for i in read_items(folder / name, questions)] for name in PUBLIC]


def gold_items(folder: Path, questions: Sequence[Question]) -> list[Item]:
    """Read the gold train files, rooms set aside included; raises InputError should one hold a barred room."""
    items = [item for name in GOLD for item in read_items(folder / name, questions)]
    barred = {str(item.burst.room) for item in items} & BARRED
    if barred:
        raise InputError(f"the gold train files hold rooms that no shipped weight may see: {sorted(barred)}")
    return items


def taught_items(folder: Path, questions: Sequence[Question]) -> list[Item]:
    """The gold that is trained on: all but the rooms set aside."""
    return [item for item in gold_items(folder, questions) if not set_aside(item.conversation)]


def file_hashes(folder: Path) -> Mapping[str, str]:
    """SHA-256 of every file that the recipe reads, for the card."""
    names = (*RAW_CHAT, *PUBLIC, *GOLD)
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def _unspaced(item: Item) -> Item:
    if not item.conversation.startswith("molweni/"):
        return item
    window = tuple(WindowMessage(sender=m.sender, text=unspace(m.text)) for m in item.burst.window)
    return replace(item, burst=replace(item.burst, text=unspace(item.burst.text), window=window))
