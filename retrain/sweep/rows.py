"""What a sweep trains on and judges by: labelled rows of two files, drawn by whole conversations."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.errors import InputError, SettingsError
from models.item import Item
from models.labelled import read_items
from models.question import Question
from retrain.leakage import fair_split
from retrain.split import by_conversation
from retrain.sweep.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Items to train on and items to judge by."""

    questions: tuple[Question, ...]
    train: tuple[Item, ...]
    test: tuple[Item, ...]


def read_rows(plan: Plan, known: Sequence[Question]) -> Rows:
    """Read a plan's files; ``known`` are the questions of config.toml.

    Raises InputError where a file cannot be read or holds no label, SettingsError where a question is not known.
    """
    by_id = {str(question.id): question for question in known}
    unknown = [name for name in plan.questions if name not in by_id]
    if unknown:
        raise SettingsError(f"questions: config.toml has no question {unknown[0]}; it has {', '.join(by_id)}")
    questions = tuple(by_id[name] for name in plan.questions or by_id)
    train, test = read_items(plan.train, questions), read_items(plan.test, questions)
    for path, items in ((plan.train, train), (plan.test, test)):
        if not items:
            raise InputError(f"{path} answers none of the questions {', '.join(q.id for q in questions)}")
    return Rows(questions=questions, train=_numbered(drawn(train, plan.rows, plan.draw)), test=_numbered(test))


def shared_rows(plan: Plan, rows: Rows) -> str | None:
    """Warn of texts and messages that both files have; raises InputError where they share a conversation."""
    try:
        return fair_split(plan.train, rows.train, plan.test, rows.test)
    except InputError as error:
        raise InputError(f"{error}; `quandary bench set-aside` splits rows by conversation") from error


def drawn(items: Sequence[Item], most: int, seed: int) -> list[Item]:
    """Draw whole conversations by ``seed`` as long as they fit into ``most`` rows (0: all); the file's order stays."""
    if not most or len(items) <= most:
        return list(items)
    conversations = by_conversation(items)
    names = sorted(conversations)
    random.Random(seed).shuffle(names)  # noqa: S311 - a sample, no secret
    taken: set[str] = set()
    left = most
    for name in names:
        if len(conversations[name]) <= left:
            taken.add(name)
            left -= len(conversations[name])
    if not taken:
        raise SettingsError(f"rows: no conversation has as few as {most} rows; the smallest have more")
    return [item for item in items if item.conversation in taken]


def _numbered(items: Sequence[Item]) -> tuple[Item, ...]:
    """Readings are kept by a burst's id, so an id that stands twice in a file gets a number."""
    seen: dict[str, int] = {}
    found = []
    for item in items:
        count = seen[item.burst.id] = seen.get(item.burst.id, 0) + 1
        fresh = item.burst.id if count == 1 else type(item.burst.id)(f"{item.burst.id}#{count}")
        found.append(replace(item, burst=replace(item.burst, id=fresh)))
    return tuple(found)
