"""Made-up ladders: rungs whose agreement with the labels is known."""

import numpy as np

from models.ids import BurstId
from models.question import Question
from retrain.judged import Judged
from retrain.scaling.ladder import Ladder
from tests.retrain.conftest import IS_QUESTION


def made_rungs(
    rng: np.random.Generator,
    strengths: tuple[float, ...],
    *,
    items: int = 200,
    conversations: int = 25,
    share: float = 0.4,
    question: Question = IS_QUESTION,
) -> tuple[Judged, ...]:
    """Rungs whose log odds point to the label by ``strengths``, with noise that items and conversations share."""
    gold = (rng.random(items) >= share).astype(np.int64)
    cluster = rng.integers(conversations, size=items)
    shared = rng.normal(0, 0.7, items) + rng.normal(0, 0.7, conversations)[cluster]
    towards = np.where(gold == 0, 1.0, -1.0)
    rungs = []
    for strength in strengths:
        odds = strength * towards + shared + rng.normal(0, 0.7, items)
        yes = -np.log1p(np.exp(-odds))
        scores = np.stack([yes, yes - odds, np.full(items, -8.0)], axis=1)
        rungs.append(
            Judged(
                question=question,
                scores=scores,
                gold=gold,
                weight=np.ones(items),
                conversations=tuple(f"room#{c}" for c in cluster),
                ids=tuple(BurstId(str(i)) for i in range(items)),
            )
        )
    return tuple(rungs)


def made_ladder(
    rng: np.random.Generator, vanilla: tuple[float, ...], tuned: tuple[float, ...], *, items: int = 200
) -> Ladder:
    """A ladder of 1, 2, 4 ... million parameters."""
    return Ladder(
        question=IS_QUESTION,
        rungs=tuple(f"rung-{i}" for i in range(len(vanilla))),
        parameters=tuple(2**i * 1_000_000 for i in range(len(vanilla))),
        vanilla=made_rungs(rng, vanilla, items=items),
        tuned=made_rungs(rng, tuned, items=items),
    )
