"""Does anything that a model is judged on stand among what it learned from? Pure.

What training must not share with the holdout: conversations, messages (in bursts or their windows), and texts that say
the same. ``apart`` keeps them apart where a dataset or a fold is cut; ``leakage`` looks once more at what was frozen,
and anything it still finds fails the run.

Rooms are shared as a rule: items are split by conversation and time within each room, for a bot goes on serving the
rooms it learned from, and many a bot has one room only. How many are shared is told; that fails a dataset only where it
was declared to be split by room.

Calibration and gate halves are compared too, and only told about: nothing is learned from either, and a fair sample,
which thresholds rest on, stays fair only if nothing is picked out of it for what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.errors import InputError, TrainingError
from models.evidence import Check, Outcome
from models.ids import RoomId
from models.item import Item
from models.labelled import nameless
from retrain.duplicates import LEAST_LETTERS, Copies, copies
from retrain.split import Traces

_ANYWHERE = RoomId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What two sets of items have in common; ``showing`` are places of items that show a message of the other set."""

    conversations: tuple[str, ...]
    rooms: tuple[str, ...]
    showing: tuple[int, ...]
    showing_there: tuple[int, ...]
    texts: Copies


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Items to train on that have nothing to do with a holdout.

    Left out are those ``showing`` its messages, and those ``copied``: they say what is said there, too.
    """

    kept: tuple[Item, ...]
    showing: tuple[Item, ...]
    copied: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """What the parts of a dataset share, in numbers.

    ``conversations`` stand in more than one part; ``messages``, ``exact`` and ``near`` count training items that show a
    held-out message, or say exactly or nearly what a held-out burst says. The same of calibration against gate, without
    what they share with training, is ``halves``.
    """

    training: int
    held: int
    conversations: int
    messages: int
    exact: int
    near: int
    rooms: int
    halves: int
    by_room: bool = False

    @property
    def faults(self) -> tuple[str, ...]:
        """What must not be, in words; empty where nothing leaks."""
        told = (
            (self.conversations, "conversation(s) in more than one part"),
            (self.messages, "training item(s) showing held-out messages"),
            (self.exact, "training item(s) saying exactly what held-out ones say"),
            (self.near, "training item(s) saying nearly what held-out ones say"),
            (self.rooms if self.by_room else 0, "room(s) in training and holdout, though it is split by room"),
        )
        return tuple(f"{count} {what}" for count, what in told if count)


def shared(here: Sequence[Item], there: Sequence[Item], *, files: bool = False, letters: int = LEAST_LETTERS) -> Shared:
    """Compare two sets of items; the order of items, and of the two, changes nothing but places.

    Rows of ``files`` name rooms as they like, or not at all: there a message is the same wherever it was said.
    ``letters`` are needed for a text to count.
    """
    left, right = ([_moved(item) if files else item for item in items] for items in (here, there))
    ours, theirs = (Traces(item.burst for item in items) for items in (left, right))
    named, named_there = ([i for i in items if not (files and nameless(i))] for items in (here, there))
    return Shared(
        conversations=tuple(sorted({i.conversation for i in named} & {i.conversation for i in named_there})),
        rooms=tuple(sorted({i.burst.room for i in named} & {i.burst.room for i in named_there})),
        showing=tuple(place for place, item in enumerate(left) if theirs.meet(item.burst)),
        showing_there=tuple(place for place, item in enumerate(right) if ours.meet(item.burst)),
        texts=copies([i.burst.text for i in here], [i.burst.text for i in there], letters=letters),
    )


def apart(training: Sequence[Item], held: Sequence[Item]) -> Apart:
    """Leave out of training what has to do with held-out items; these stay, for they are the fair sample."""
    seen = Traces(item.burst for item in held)
    showing = {place for place, item in enumerate(training) if seen.meet(item.burst)}
    same = copies([i.burst.text for i in training], [i.burst.text for i in held]).either - showing
    return Apart(
        kept=tuple(item for place, item in enumerate(training) if place not in showing and place not in same),
        showing=tuple(training[place] for place in sorted(showing)),
        copied=tuple(training[place] for place in sorted(same)),
    )


def fair_split(train: Path, learnt: Sequence[Item], dev: Path, judged: Sequence[Item]) -> str | None:
    """Warn of what two files of rows share that is no fault of ours: texts and messages; None where it is nothing.

    Raises InputError where they share a conversation.
    """
    found = shared(learnt, judged, files=True)
    if found.conversations:
        told = f"{len(found.conversations)} conversations, {found.conversations[0]} among them"
        raise InputError(f"{train} and {dev} share {told}: no fair split")
    texts = found.texts
    if not (found.showing_there or texts.exact_there or texts.near_there):
        return None
    return (
        f"warning: of {len(judged)} rows of {dev.name}, {len(texts.exact_there)} have an exact copy in {train.name}, "
        f"{len(texts.near_there)} a near one, and {len(found.showing_there)} show a message that stands there too; "
        f"what has learned from {train.name} looks better on them than it is"
    )


def leakage(
    train: Sequence[Item], calibration: Sequence[Item], gate: Sequence[Item], *, by_room: bool = False
) -> Leakage:
    """Look for anything that a dataset's parts share."""
    learned, halves = shared(train, (*calibration, *gate)), shared(calibration, gate)
    alike = len({*halves.showing, *halves.texts.either})
    return Leakage(
        training=len(train),
        held=len(calibration) + len(gate),
        conversations=len({*learned.conversations, *halves.conversations}),
        messages=len(learned.showing),
        exact=len(learned.texts.exact),
        near=len(learned.texts.near),
        rooms=len(learned.rooms),
        halves=alike,
        by_room=by_room,
    )


def refuse(found: Leakage, dataset: str) -> None:
    """Raise TrainingError where a dataset leaks: a model would be judged on what it learned."""
    if found.faults:
        told = "; ".join(found.faults)
        raise TrainingError(
            f"the dataset {dataset} leaks from holdout to training: {told}. Nothing was trained. Remove its folder and "
            "freeze the labels anew; if that leaks too, `quandary dataset verify` and report it"
        )


def leakage_check(found: Leakage | None) -> Check:
    """The gate's check; evidence from before there was one says nothing about it."""
    if found is None:
        reason = "nobody looked whether the dataset leaks from holdout to training; train anew"
        return Check(name="leakage", outcome=Outcome.INCONCLUSIVE, reason=reason, figures={})
    figures = {name: float(getattr(found, name)) for name in Leakage.__dataclass_fields__}
    if found.faults:
        return Check(name="leakage", outcome=Outcome.FAIL, reason="; ".join(found.faults), figures=figures)
    reason = (
        f"none of {found.training} bursts trained on shares a conversation, a message or its wording with the "
        f"{found.held} held out ({found.rooms} room(s) with both)"
    )
    return Check(name="leakage", outcome=Outcome.PASS, reason=reason, figures=figures)


def _moved(item: Item) -> Item:
    return replace(item, burst=replace(item.burst, room=_ANYWHERE))
