"""What a study says: whether there was anything to learn, and which rank holds it. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.ids import QuestionId
from retrain.bench.rank.reading import Readings, lead
from retrain.bench.rank.study import Found
from retrain.spectrum import asked_for, rank_for

MOST = 0.9
"""The share of the energy, and of what was learned, that is asked for where a rank is named."""


def learned(found: Sequence[Found]) -> tuple[QuestionId, ...]:
    """Questions that training all weights surely taught: labels more likely than vanilla and than their rates alone.

    Only for them does a rank mean anything. Sure is a 95 % interval over conversations, of the mean over seeds.
    """
    rng = np.random.default_rng(0)
    return tuple(
        question
        for question in found[0].full
        if all(
            lead([one.full[question] for one in found], theirs, rng)[1][0] > 0
            for theirs in ([one.vanilla[question] for one in found], [one.rates[question] for one in found])
        )
    )


def kept(
    tables: Sequence[Mapping[int, Readings]], found: Sequence[Found], on: Sequence[QuestionId]
) -> dict[int, float]:
    """By rank the share of what all weights learned, mean over seeds and questions; below 0 where it does harm.

    Learned is what is gained in log-probability over the better of the untuned model and the labels' rates: from far
    below its rates a model gains most by learning those, which any rank can hold.
    """
    shares = {}
    for rank in tables[0]:
        each = []
        for question in on:
            vanilla = _level([one.vanilla for one in found], question)
            base = max(vanilla, _level([one.rates for one in found], question))
            whole = _level([one.full for one in found], question) - base
            each.append((_level([table[rank] for table in tables], question) - base) / whole)
        shares[rank] = float(np.mean(each))
    return shares


def _level(readings: Sequence[Readings], question: QuestionId) -> float:
    return float(np.mean([one[question].log_p for one in readings]))


def summary(found: Sequence[Found]) -> str:
    """A plain answer about a rung, over its seeds; it says so where there is none."""
    spectra = [s for one in found for s in one.spectra]
    plain = int(np.median([rank_for(s.plain, MOST) for s in spectra]))
    felt = int(np.median([rank_for(s.felt, MOST) for s in spectra]))
    energy = (
        f"{MOST:.0%} of the change's energy takes rank {plain} of {len(spectra[0].plain)} in the median layer, rank "
        f"{felt} as the outputs feel it"
    )
    on = learned(found)
    if not on:
        return (
            f"{found[0].rung}: NO ANSWER. All weights trained are not surely above vanilla and the labels' own rates "
            f"on any question, so no rank can be read off ({energy}, of a change that taught nothing). Train on more "
            "rows, longer, or at another --full-rate"
        )
    cut = asked_for(kept([one.cut for one in found], found, on), MOST, 0.0)
    lora = asked_for(kept([one.lora for one in found], found, on), MOST, 0.0)
    told = f"rank {cut} of the change and every larger one tried" if cut else "no rank of the change that was tried"
    tuned = f"LoRA learns as much from rank {lora} on" if lora else "LoRA learns as much at no rank that was tried"
    if not found[0].lora:
        tuned = "LoRA was not run"
    left = [question for question in found[0].full if question not in on]
    void = f"; {', '.join(left)} was not surely learned and is left out" if left else ""
    return (
        f"{found[0].rung}: {energy}; {MOST:.0%} of what all weights learned ({', '.join(on)}; nats over the better of "
        f"vanilla and rates) is kept by {told}; {tuned}{void}"
    )
