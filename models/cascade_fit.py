"""Where a cascade's bars stand: fitted so that what the small model settles agrees with the large one. Needs no labels.

The fit is bound to both models, to the small one's temperatures and to the wording of the questions: it is kept in the
data directory, or beside a shipped small model.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.calibration import Calibration
from models.cascade import Bar, Bars, answer_of
from models.decision import Decision
from models.errors import ExportError, ModelError
from models.ids import QuestionId, Revision
from models.question import Question
from models.replacement import replacing
from models.scoring import positive_probability

FOLDER = "cascades"
Decided = Sequence[tuple[Decision, ...]]
"""One tuple a burst, in the order of the questions."""


def fit_bars(questions: Sequence[Question], small: Decided, large: Decided, agreement: float) -> dict[QuestionId, Bar]:
    """Find the loosest bar of each question and side beyond which the models agree at a rate of ``agreement``.

    ``small[i]`` and ``large[i]`` decide the same burst. One disagreement is added to those seen, so a handful of bursts
    settles nothing: .98 takes 49 that agree. Bursts for which a question does not apply are left out of its count.
    """
    return {
        question.id: Bar(
            yes_from=_bar([row for row in seen if row[0] >= 0.5], agreement),
            no_from=_bar([(1 - score, agreed) for score, agreed in seen if score < 0.5], agreement),
        )
        for question, seen in zip(questions, _agreements(questions, small, large), strict=True)
    }


def _agreements(questions: Sequence[Question], small: Decided, large: Decided) -> list[list[tuple[float, bool]]]:
    """The small model's positive probability and whether its answer is the large one's, where a question applies.

    One list a question.
    """
    seen: dict[QuestionId, list[tuple[float, bool]]] = {question.id: [] for question in questions}
    for one, other in zip(small, large, strict=True):
        answers: dict[QuestionId, Any] = {}
        for question, made, meant in zip(questions, one, other, strict=True):
            if not question.applies(answers):
                continue
            answers[question.id] = answer_of(question, made.probabilities)
            agreed = answers[question.id] == answer_of(question, meant.probabilities)
            seen[question.id].append((positive_probability(question, made.probabilities), agreed))
    return [seen[question.id] for question in questions]


def _bar(seen: Sequence[tuple[float, bool]], agreement: float) -> float | None:
    """The bar on one side's probability (.5..1); bursts of the same probability are taken together."""
    rows = sorted(seen, key=lambda row: -row[0])
    found, against = None, 1
    for count, (score, agreed) in enumerate(rows, start=1):
        against += not agreed
        last_of_its_kind = count == len(rows) or rows[count][0] < score
        if last_of_its_kind and against <= (1 - agreement) * (count + 1):
            found = score
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Which two models a fit is about, read how; temperatures and prompt length are the small one's."""

    small: Revision
    large: Revision
    temperatures: Mapping[QuestionId, float]
    versions: Mapping[QuestionId, str]
    max_prompt_tokens: int

    @property
    def name(self) -> str:
        """Names the fit's file: 16 hex digits over all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def pair_of(
    small: Revision, large: Revision, calibration: Calibration, questions: Sequence[Question], max_prompt_tokens: int
) -> Pair:
    """Name a pair; ``calibration`` and ``max_prompt_tokens`` are the small model's."""
    return Pair(
        small=small,
        large=large,
        temperatures={question.id: calibration.of(question).temperature for question in questions},
        versions={question.id: question.version for question in questions},
        max_prompt_tokens=max_prompt_tokens,
    )


def fit_place(data_dir: Path, pair: Pair) -> Path:
    """Where a pair's fit stands in the data directory."""
    return data_dir / FOLDER / f"{pair.name}.json"


def shipped_place(small: Path) -> Path:
    """Where a fit stands that came with a small model."""
    return small.with_suffix(".cascade.json")


def write_fit(path: Path, pair: Pair, bars: Bars, agreement: float) -> None:
    """Keep a fit, whole or not at all; raises ExportError."""
    body = asdict(pair) | {"agreement": agreement, "bars": {question: asdict(bar) for question, bar in bars.items()}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            aside.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ExportError(f"could not write {path}: {error}; nothing was changed") from error


def read_fit(places: Sequence[Path], pair: Pair) -> dict[QuestionId, Bar] | None:
    """The first fit that is about this pair; None where there is none. Raises ModelError where one is malformed."""
    for path in places:
        if not path.exists():
            continue
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            bars = {QuestionId(question): Bar(**bar) for question, bar in body["bars"].items()}
            about = {key: body[key] for key in asdict(pair)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"the cascade's fit {path} is not readable: {error}; remove it or fit it anew") from error
        if about == asdict(pair):
            return bars
    return None
