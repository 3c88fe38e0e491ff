"""Alpaca's instruction, input and output: one line for each question that a burst has a label of.

The options are in an order drawn for each line, and among the lines with the same right option each position holds it
equally often (to one line), so that neither a position nor a letter tells anything. What people said stands between
quotes, as JSON strings, so that nothing in it can look like a part of the form.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from string import ascii_uppercase
from typing import Any

from labeling.exchange.row import Given, Row, Said, Written, field, line_of, only
from models.chattext import SPEAKER, friendly_names, rename
from models.errors import InputError
from models.ids import OptionId, RequestId
from models.labels import Response, ResponseStatus
from models.question import Option, Question

FIELDS = ("instruction", "input", "output")
ROOM, WHO = "alpaca", "alpaca"
BEFORE, LAST, OFFERED = "The chat before it:", "The last message, by S:", "Options:"
_TASK = "Answer with the letter of one option."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instruction_of(question: Question) -> str:
    """What a line asks; it tells which question, in which words."""
    return f"{question.text}\n{question.definition}\n{_TASK}"


def write(rows: Sequence[Row], questions: Sequence[Question], *, seed: int = 0) -> Written:
    """Make the lines, the same for the same rows and seed."""
    left_out: Counter[str] = Counter()
    wanted: list[tuple[str, Question, OptionId]] = []
    for row in rows:
        answers = row.answers(questions)
        if not answers:
            left_out["no label in the present words"] += 1
        chat = _chat(row)
        wanted += [(chat, question, answers[question.id]) for question in questions if question.id in answers]
    lines = []
    for (chat, question, option), offered in zip(wanted, _orders(wanted, seed), strict=True):
        shown = [f"{letter}. {one.wording}" for letter, one in zip(ascii_uppercase, offered, strict=False)]
        letter = ascii_uppercase[[one.id for one in offered].index(option)]
        values = (instruction_of(question), "\n".join([chat, OFFERED, *shown]), letter)
        lines.append(line_of(dict(zip(FIELDS, values, strict=True))))
    return Written(lines=tuple(lines), left_out=left_out)


def _orders(wanted: Sequence[tuple[str, Question, OptionId]], seed: int) -> list[list[Option]]:
    """The options' order for each line: the right one's position goes round among lines that are right alike."""
    orders: list[list[Option]] = []
    alike: Counter[tuple[str, str]] = Counter()
    for chat, question, right in wanted:
        size = len(question.options)
        first = random.Random(f"{seed}\x1f{question.id}\x1f{right}").randrange(size)  # noqa: S311 - no secret
        place = (first + alike[question.id, right]) % size
        alike[question.id, right] += 1
        others = [option for option in question.options if option.id != right]
        digest = hashlib.sha256(f"{seed}\x1f{question.id}\x1f{chat}".encode()).hexdigest()
        random.Random(digest).shuffle(others)  # noqa: S311 - no secret
        others.insert(place, question.options[question.index(right)])
        orders.append(others)
    return orders


def _chat(row: Row) -> str:
    names = friendly_names(row.sender, (message.sender for message in row.window))
    said = [f"{names[m.sender]}: {json.dumps(rename(m.text, names), ensure_ascii=False)}" for m in row.window]
    return "\n".join([BEFORE, *said, LAST, json.dumps(rename(row.text, names), ensure_ascii=False)])


def read_all(
    numbered: Sequence[tuple[int, Mapping[str, Any]]], questions: Sequence[Question], at: Callable[[int], str]
) -> list[Row]:
    """Read lines; ``at`` names one in an error.

    Lines that follow each other, about the same chat, each on a later question, are about one burst.
    """
    found: list[Row] = []
    times: Counter[str] = Counter()
    before = ""
    for number, body in numbered:
        try:
            only(body, *FIELDS)
            question = _asked(field(body, "instruction", str), questions)
            chat, option = _parted(field(body, "input", str), field(body, "output", str), question)
            if chat != before or not _follows(found[-1], question, questions):
                times[chat] += 1
                found.append(_row(chat, times[chat], number))
        except InputError as error:
            raise InputError(f"{at(number)}: {error}; see docs/formats.md") from error
        before = chat
        found[-1] = _answered(found[-1], question, option)
    return found


def _follows(row: Row, question: Question, questions: Sequence[Question]) -> bool:
    """Tell whether a question comes after all that a row has answers to."""
    places = {one.id: place for place, one in enumerate(questions)}
    return all(places[answered] < places[question.id] for one in row.given for answered in one.response.answers)


def _asked(instruction: str, questions: Sequence[Question]) -> Question:
    for question in questions:
        if instruction == instruction_of(question):
            return question
    raise InputError("its instruction is that of no question in config.toml, in its present words")


def _parted(text: str, letter: str, question: Question) -> tuple[str, OptionId]:
    """Take an input apart: the chat, and the option that a letter stands for."""
    lines = text.split("\n")
    size = len(question.options)
    offered, head = lines[-size:], lines[: -size - 1]
    wordings = {option.wording: option.id for option in question.options}
    options = [wordings.get(line[3:]) for line in offered]
    letters = [line[:3] for line in offered] == [f"{one}. " for one in ascii_uppercase[:size]]
    if lines[-size - 1 : -size] != [OFFERED] or not letters or set(options) != set(wordings.values()):
        raise InputError(f"its input does not end with the options of {question.id}, under {OFFERED!r}")
    if len(letter) != 1 or letter not in ascii_uppercase[:size]:
        raise InputError(f"its output {letter!r} is no letter of an option")
    option = options[ascii_uppercase.index(letter)]
    assert option is not None  # noqa: S101 - the sets were compared
    return "\n".join(head), option


def _row(chat: str, time: int, number: int) -> Row:
    lines = chat.split("\n")
    if len(lines) < 3 or lines[0] != BEFORE or lines[-2] != LAST:
        raise InputError(f"its input does not hold {BEFORE!r} and {LAST!r} with what was said under each")
    window = []
    for line in lines[1:-2]:
        sender, _, text = line.partition(": ")
        window.append(Said(sender=sender, text=_unquoted(text)))
    if not _unquoted(lines[-1]).strip():
        raise InputError("its last message is empty")
    at = _EPOCH + timedelta(seconds=number)  # keeps the order of the lines
    digest = hashlib.sha256(f"{chat}\x1f{time}".encode()).hexdigest()
    return Row(
        id=digest[:24],
        room=ROOM,
        sender=SPEAKER,
        text=_unquoted(lines[-1]),
        window=tuple(window),
        started_at=at,
        ended_at=at,
        given=(),
        labels=None,
    )


def _answered(row: Row, question: Question, option: OptionId) -> Row:
    before = row.given[0].response if row.given else None
    answers = {**(before.answers if before else {}), question.id: option}
    versions = {**((before.versions if before else None) or {}), question.id: question.version}
    response = Response(
        request=RequestId(""),
        annotator=WHO,
        answers=answers,
        status=ResponseStatus.SUBMITTED,
        submitted_at=row.started_at,
        versions=versions,
    )
    return replace(row, given=(Given(response=response),))


def _unquoted(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError("what was said does not stand between quotes, as a JSON string") from error
    if not isinstance(value, str):
        raise InputError("what was said does not stand between quotes, as a JSON string")
    return value
