"""Evidence that a good candidate would leave: small, made up, and passing unless told otherwise."""

import numpy as np

from models.ids import OptionId
from retrain.checks.agreement import Overlap
from retrain.checks.cost import Cost
from retrain.checks.obedience import Obedience
from retrain.checks.trial import Trial
from retrain.gate import Evidence
from retrain.leakage import Leakage
from retrain.parity import Drift
from tests.retrain.conftest import IS_QUESTION
from tests.retrain.ladders import made_ladder, made_rungs

RISING = (0.6, 0.8, 1.0, 1.2)
CLEAN = Leakage(training=300, held=200, conversations=0, messages=0, exact=0, near=0, rooms=3, halves=0)
TRIED = Trial(cost=Cost(median_ms=10.0, p95_ms=20.0, file_mib=3.0), obedience=Obedience(tried=64, obeyed=1, swayed=1))
STEADY = Drift(mean=0.01, largest=0.1, flips=0, decisions=200)


def made_overlap(bursts: int, apart: int, labels: int = 400) -> Overlap:
    """Pairs of answers, alternately yes and no, ``apart`` of which differ; four to a conversation."""
    differ = set(np.random.default_rng(1).permutation(bursts)[:apart].tolist())
    first = [OptionId("yes" if i % 2 else "no") for i in range(bursts)]
    other = {"yes": OptionId("no"), "no": OptionId("yes")}
    second = [other[one] if i in differ else one for i, one in enumerate(first)]
    return Overlap(
        answers=tuple(zip(first, second, strict=True)),
        conversations=tuple(f"c{i // 4}" for i in range(bursts)),
        labels=labels,
    )


def evidence(rng: np.random.Generator, *, old: float = 0.8, new: float = 1.4, labels: int = 400) -> Evidence:
    champion, challenger, cheap = made_rungs(rng, (old, new, min(old, new)), items=200)
    return Evidence(
        labels=labels,
        ladders=(made_ladder(rng, RISING, RISING),),
        champion={IS_QUESTION.id: champion},
        challenger={IS_QUESTION.id: challenger},
        cheap={IS_QUESTION.id: cheap},
        export=STEADY,
        drift=STEADY,
        leakage=CLEAN,
        agreement={IS_QUESTION.id: made_overlap(80, 6)},
        slices={i: ("room 1" if place % 2 else "room 2",) for place, i in enumerate(champion.ids)},
        temperatures={IS_QUESTION.id: 1.0},
        champion_trial=TRIED,
        challenger_trial=TRIED,
    )
