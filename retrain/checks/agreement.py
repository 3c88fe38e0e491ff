"""Do people agree on the answers? Pure.

Where they do not, the words of the question are at fault before any model is: more labels only add more of the same
disagreement, and no ladder can rise on it. Compared are answers that people gave independently to the same bursts,
by Krippendorff's alpha (models/agreement.py), with an interval over conversations.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.agreement import units_of
from models.evidence import Check, Outcome
from models.ids import BurstId, OptionId, QuestionId
from models.item import Item
from models.labels import Purpose, Response
from models.metrics import Floats
from models.question import Question
from models.resample import draws
from models.settings import GateSettings
from retrain.rivals import LEAST_CONVERSATIONS

LEAST_BURSTS = 30
"""With fewer overlapping bursts alpha is shown, not judged."""
MOST_MORE = 500
"""No more overlapping bursts than this are asked for: near the bar any number would be a guess."""
DRAWS = 1000
NAME = "agreement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One question's bursts that several people answered: their ``answers`` burst by burst, and its conversation.

    ``labels``: bursts of the dataset with a label, overlapping or not.
    """

    answers: tuple[tuple[OptionId, ...], ...]
    conversations: tuple[str, ...]
    labels: int


Overlaps = Mapping[QuestionId, Overlap]


def overlaps(
    questions: Sequence[Question], items: Sequence[Item], given: Iterable[tuple[BurstId, Purpose, Response]]
) -> dict[QuestionId, Overlap]:
    """Gather what several people answered independently about a dataset's items."""
    conversations = {item.burst.id: item.conversation for item in items}
    known = [one for one in given if one[0] in conversations]
    found = {}
    for question in questions:
        several = [unit for unit in units_of(question, questions, known) if len(unit.answers) > 1]
        found[question.id] = Overlap(
            answers=tuple(tuple(unit.answers.values()) for unit in several),
            conversations=tuple(conversations[unit.burst] for unit in several),
            labels=sum(question.id in item.answers for item in items),
        )
    return found


def agreement_checks(found: Overlaps | None, gate: GateSettings, rng: np.random.Generator) -> list[Check]:
    """Judge every question's overlap."""
    if found is None:
        reason = "nobody looked at how far people agree: this evidence is older than the check; train anew"
        return [Check(name=NAME, outcome=Outcome.INCONCLUSIVE, reason=reason, figures={})]
    return [agreement_check(question, overlap, gate, rng) for question, overlap in found.items()]


def agreement_check(question: QuestionId, found: Overlap, gate: GateSettings, rng: np.random.Generator) -> Check:
    """Fail where alpha is surely below ``gate.min_agreement``; where it only looks so, say how much overlap is missing.

    Little overlap is shown and passes: a bot with one annotator has none, and the other checks judge its labels.
    """
    name = f"{NAME} {question}"
    bursts, conversations = len(found.answers), len(set(found.conversations))
    figures = {"bursts": float(bursts), "labels": float(found.labels), "min_agreement": gate.min_agreement}
    if not bursts:
        reason = "shown, not judged: no burst was answered by two people (`ask.overlap`), so nothing tells whether the "
        return Check(name=name, outcome=Outcome.PASS, reason=f"{reason}words mean the same to all", figures=figures)
    columns = _columns(found)
    alpha = float(_alphas(columns.sum(axis=0)))
    times = draws(conversations, DRAWS, rng)
    low, high = np.quantile(_alphas(times @ columns), [gate.alpha, 1 - gate.alpha]).tolist()
    figures |= {"alpha": alpha, "low": low, "high": high}
    told = f"Krippendorff's alpha is {alpha:.2f} over {bursts} bursts that two or more people answered"
    if bursts < LEAST_BURSTS or conversations < LEAST_CONVERSATIONS:
        reason = f"shown, not judged: {told}; {LEAST_BURSTS} from {LEAST_CONVERSATIONS} conversations would be"
        return Check(name=name, outcome=Outcome.PASS, reason=reason, figures=figures)
    told += f" ({low:.2f} to {high:.2f}; at least {gate.min_agreement:.2f} asked for)"
    if high < gate.min_agreement:
        reason = f"{told}: people surely do not agree on what the question means; look at its words and guidelines"
        return Check(name=name, outcome=Outcome.FAIL, reason=reason, figures=figures)
    if alpha >= gate.min_agreement:
        return Check(name=name, outcome=Outcome.PASS, reason=told, figures=figures)
    more = _more(bursts, gate.min_agreement - alpha, high - alpha)
    # In labels of all kinds, at the share of overlap so far: a verdict's next step counts those.
    figures["missing"] = float(math.ceil(more * max(1.0, found.labels / bursts)))
    reason = f"{told}: low, but not surely; about {more} more overlapping labels would tell"
    return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures=figures)


def _columns(found: Overlap) -> Floats:
    """By conversation (conversations, 1 + options): disagreements, then how often each answer was given."""
    names = {name: place for place, name in enumerate(dict.fromkeys(found.conversations))}
    options = {option: place for place, option in enumerate(dict.fromkeys(o for u in found.answers for o in u))}
    columns = np.zeros((len(names), 1 + len(options)))
    for answers, conversation in zip(found.answers, found.conversations, strict=True):
        counts = Counter(answers)
        row = columns[names[conversation]]
        row[0] += (len(answers) ** 2 - sum(n * n for n in counts.values())) / (len(answers) - 1)
        for option, count in counts.items():
            row[1 + options[option]] += count
    return columns


def _alphas(columns: Floats) -> Floats:
    """Alpha (...) from sums (..., 1 + options), as models/agreement.py has it; 1 where only one answer was ever given.

    Chance cannot be told from agreement there, and nobody disagreed.
    """
    disagreements, totals = columns[..., 0], columns[..., 1:]
    pairable = totals.sum(axis=-1)
    expected = pairable**2 - (totals**2).sum(axis=-1)
    lost = np.divide((pairable - 1) * disagreements, expected, out=np.zeros_like(expected), where=expected > 0)
    found: Floats = 1.0 - lost
    return found


def _more(bursts: int, gap: float, half: float) -> int:
    """Bursts that would narrow the interval to the gap: its width falls with the root of their number."""
    if half >= gap * math.sqrt(1 + MOST_MORE / bursts):
        return MOST_MORE
    return max(1, math.ceil(bursts * ((half / gap) ** 2 - 1)))
