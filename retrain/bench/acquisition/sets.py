"""A labelled file as a pool to ask from and rows to judge on, both as arrays."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.acquisition.ngrams import distinct, vectors
from models.acquisition.pool import Rows, Vectors
from models.item import Item
from models.labelled import read_items
from models.metrics import Floats, clusters
from models.question import Question
from models.settings import Settings
from retrain.bench.acquisition.hidden import Hidden, hidden_states
from retrain.head import squeezed
from retrain.leakage import fair_split
from retrain.peer import fold_of, labelled
from retrain.stage import Say

HELD_OUT_OF = 4
"""A file given alone is judged on the conversations of one fold of so many; the others are the pool."""
WORDS = 128
"""Directions of the n-gram vectors that a head sees."""
LEAST_POOL, LEAST_JUDGED = 300, 60
ARMS = ("hidden", "words")
"""What a head sees: hidden states and n-grams, or n-grams alone, which no label has touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """One question on one file: n rows to ask from, t rows to judge on.

    ``features`` maps each arm to the features [n + t, d] of each member of the committee, the deciding one first.
    ``gold`` [n + t] is 1 where the answer is positive; ``vectors`` [n, WORDS], of length 1: n-gram vectors squeezed so
    that thousands of runs stay cheap; ``fresh``: places in the pool that are no near-duplicate of one before;
    ``conversation`` [t] numbers from 0.
    """

    name: str
    pool: tuple[Item, ...]
    judged: tuple[Item, ...]
    question: Question
    features: Mapping[str, tuple[Floats, ...]]
    gold: Floats
    vectors: Vectors
    fresh: Rows
    conversation: NDArray[np.int64]


def read_sets(
    train: Path, dev: Path | None, settings: Settings, rungs: Sequence[str], most: int, work: Path, say: Say
) -> list[LabelledSet]:
    """Read one set for each question that the file has answers to; small ones are left out, and it is said.

    Without ``dev`` a quarter of the train file's conversations is judged on. Raises InputError where files share a
    conversation.
    """
    parts = [subsample(read_items(path, settings.questions), most) for path in (train, dev) if path is not None]
    everything = [item for part in parts for item in part]
    if dev is None:
        held = [fold_of(item.conversation, HELD_OUT_OF) == 0 for item in everything]
    else:
        held = [False] * len(parts[0]) + [True] * len(parts[1])
        if warning := fair_split(train, parts[0], dev, parts[1]):
            say(warning)
    states = []
    for rung in rungs:
        say(f"{train.name}: hidden states of {rung} for {len(everything)} bursts")
        read = [
            hidden_states(rung, part, settings.questions, settings.decide.max_prompt_tokens, work) for part in parts
        ]
        states.append(np.concatenate(read))
    rows = _Rows.of(everything, held, states)
    found = []
    for place, question in enumerate(settings.questions):
        name = f"{train.stem.removesuffix('_train')}: {question.id}"
        pool, judged = rows.places(question)
        if len(pool) >= LEAST_POOL and len(judged) >= LEAST_JUDGED:
            found.append(rows.labelled(name, question, place, pool, judged))
        elif pool or judged:
            say(f"{name}: left out, {len(pool)} labels to ask for and {len(judged)} to judge on are too few")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """All rows of a file (n), whatever they have labels of; ``held`` are to be judged on.

    ``states``: hidden states [n, questions, width] of each rung; ``grams``: n-gram vectors, ``topics`` [n, WORDS] the
    same squeezed.
    """

    items: Sequence[Item]
    held: Sequence[bool]
    states: Sequence[Hidden]
    grams: Vectors
    topics: Floats

    @classmethod
    def of(cls, items: Sequence[Item], held: Sequence[bool], states: Sequence[Hidden]) -> Self:
        grams = vectors([item.burst.text for item in items])
        return cls(items=items, held=held, states=states, grams=grams, topics=squeezed(grams, WORDS, 0))

    def places(self, question: Question) -> tuple[list[int], list[int]]:
        """The rows with a label of the question: those to ask from, and those to judge on."""
        known = {item.burst.id for item in labelled(question, self.items)}
        rows = [i for i, item in enumerate(self.items) if item.burst.id in known]
        return [i for i in rows if not self.held[i]], [i for i in rows if self.held[i]]

    def labelled(
        self, name: str, question: Question, place: int, pool: Sequence[int], judged: Sequence[int]
    ) -> LabelledSet:
        """The set of the question at ``place`` in config.toml."""
        rows = [*pool, *judged]
        words = _scaled(self.topics)[rows]
        length = np.linalg.norm(self.topics, axis=1, keepdims=True)
        near = (self.topics / np.maximum(length, 1e-9)).astype(np.float32)
        gold = [self.items[i].answers[question.id] == question.positive for i in rows]
        return LabelledSet(
            name=name,
            pool=tuple(self.items[i] for i in pool),
            judged=tuple(self.items[i] for i in judged),
            question=question,
            features={
                "hidden": tuple(np.hstack([_scaled(h[rows, place]), words]) for h in reversed(self.states)),
                "words": (words,),
            },
            gold=np.array(gold, dtype=np.float64),
            vectors=near[pool],
            fresh=distinct(self.grams[pool], self.grams[:0]),
            conversation=clusters([self.items[i].conversation for i in judged]),
        )


def subsample(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many items, chosen by a hash of their ids: the same in every run, in their order."""
    if len(items) <= most:
        return list(items)
    rank = {i.burst.id: hashlib.sha256(i.burst.id.encode("utf-8", "replace")).digest() for i in items}
    kept = set(sorted(rank, key=lambda burst: rank[burst])[:most])
    return [item for item in items if item.burst.id in kept]


def _scaled(rows: NDArray[np.floating]) -> Floats:
    """Columns with mean 0 and variance 1 over the square root of their number: rows have a length of about 1."""
    centred = rows.astype(np.float64) - rows.mean(axis=0)
    spread = centred.std(axis=0)
    found: Floats = centred / np.where(spread > 0, spread, 1.0) / np.sqrt(rows.shape[1])
    return found
