"""The ladder: how well each rung of a family answers the questions, vanilla and cross-fitted.

Every reading is kept under the work folder by the hash of what it was made from, so that a cycle that was stopped does
not train the same fold twice.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from models.errors import SettingsError, TooFewLabels, TrainingError
from models.ids import BurstId, QuestionId
from models.item import Item
from models.llama import sha256_of
from models.prompt import render
from models.question import Question
from models.replacement import replacing
from models.scoring import average_orders
from models.settings import DecideSettings, Settings, TrainSettings
from models.tokens import encode
from retrain.checkpoint import Checkpoint, load_base, parameter_count, starter_adapter
from retrain.curves import Curves, no_curves
from retrain.gguf_rung import Shape, adapter_beside, dense, is_gguf, read_gguf_rung, shape_of
from retrain.judged import Scores
from retrain.leakage import apart
from retrain.lora import fingerprint, merge, train_adapter
from retrain.scaling.setback import Setback
from retrain.score import score
from retrain.split import by_conversation
from retrain.stage import Advance, Stage

Readings = Mapping[QuestionId, Scores]
"""Option scores of every burst that has a label, question by question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One size of the family: its name in config.toml, what is loaded for it, and its readings as far as made."""

    name: str
    base: str
    parameters: int
    seconds: float
    """How long it took to load the rung and read all items once."""
    vanilla: Readings
    tuned: Readings
    dense: bool = True
    """False for a mixture of experts: it is a reference, and no step of the ladder."""
    learning_rate: float | None = None
    """Peak rate of the training that is kept, where it is not the course's."""
    setbacks: tuple[Setback, ...] = ()

    @property
    def trainable(self) -> bool:
        """Whether anything can be trained on it; a GGUF file is read only."""
        return not is_gguf(self.base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What all rungs of one run share."""

    questions: tuple[Question, ...]
    train: TrainSettings
    budget: int
    """Longest prompt, in tokens."""
    work: Path
    """A folder of this dataset's own, for what a stopped run can go on from."""
    stage: Stage
    curves: Curves = no_curves
    decide: DecideSettings = field(default_factory=DecideSettings)
    """With what rungs that are GGUF files are read; ``budget`` goes before its own."""

    @classmethod
    def of(cls, settings: Settings, work: Path, stage: Stage) -> Self:
        """The course that the settings describe."""
        return cls(
            questions=settings.questions,
            train=settings.train,
            budget=settings.decide.max_prompt_tokens,
            work=work,
            stage=stage,
            decide=settings.decide,
        )

    @property
    def file_settings(self) -> DecideSettings:
        """How rungs that are GGUF files are read."""
        return self.decide.model_copy(update={"max_prompt_tokens": self.budget})


def prepared_base(name: str, work: Path) -> str:
    """What a rung starts from: a shipped starter with its gold adapter merged in, or the named model as it is."""
    adapter = shipped_adapter(name)
    if adapter is None:
        return name
    folder = work / "bases" / name
    return str(folder if folder.exists() else merge(name, adapter, folder))


def shipped_adapter(name: str) -> Path | None:
    """The gold adapter that makes ``starter-l`` of ``starter-base-l``; None for any other name."""
    return starter_adapter(name) if name.startswith("starter-") and "-base-" not in name else None


def read_vanilla(name: str, items: Sequence[Item], course: Course) -> Rung:
    """Score items with a vanilla rung; raises ModelError where it cannot be loaded."""
    with course.stage(f"{name}: read {len(items)} bursts vanilla") as advance:
        base = prepared_base(name, course.work)
        kept = _kept(course, fingerprint(base, items, course.questions, course.train, course.budget), "vanilla")
        body = _load(kept)
        if body is None:
            began = time.monotonic()
            readings, shape = _read(base, items, course, advance)
            body = _keep(kept, readings, shape, time.monotonic() - began)
        return Rung(
            name=name,
            base=base,
            parameters=body["parameters"],
            seconds=body["seconds"],
            vanilla=_readings(body),
            tuned={},
            dense=body.get("dense", True),
        )


def _read(base: str, items: Sequence[Item], course: Course, advance: Advance) -> tuple[Readings, Shape]:
    """Read a checkpoint by transformers, a GGUF file by llama.cpp."""
    if is_gguf(base):
        shape = shape_of(Path(base))
        return read_gguf_rung(Path(base), items, course.questions, course.file_settings, advance), shape
    checkpoint = load_base(base)
    shape = Shape(parameters=parameter_count(checkpoint.model), dense=dense(checkpoint.causal.config.to_dict()))
    return read(checkpoint, items, course, advance), shape


def read_laid(rung: Rung, items: Sequence[Item], course: Course) -> Rung:
    """Score items with a GGUF and the adapter that lies beside it; the rung as it is where there is none.

    Raises ModelError where the adapter does not fit.
    """
    file = Path(rung.base)
    adapter = adapter_beside(file)
    if adapter is None:
        return rung
    with course.stage(f"{rung.name}: read {len(items)} bursts with {adapter.name}") as advance:
        key = fingerprint(rung.base, items, course.questions, course.train, course.budget)
        kept = _kept(course, key, f"with-{sha256_of(adapter)[:12]}")
        body = _load(kept)
        if body is None:
            readings = read_gguf_rung(file, items, course.questions, course.file_settings, advance, adapter)
            body = _keep(kept, readings, Shape(parameters=rung.parameters, dense=rung.dense), 0.0)
    return replace(rung, tuned=_readings(body))


def cross_fit(rung: Rung, items: Sequence[Item], course: Course) -> Rung:
    """Score items with adapters that were trained on other conversations."""
    tuned: dict[QuestionId, dict[BurstId, Sequence[float]]] = {q.id: {} for q in course.questions}
    count, rung_shape = course.train.folds, Shape(parameters=rung.parameters, dense=rung.dense)
    for number, (others, held) in enumerate(folds(items, count), start=1):
        where = f"fold {number} of {count}"
        key = fingerprint(rung.base, items, course.questions, course.train, course.budget)
        kept = _kept(course, key, f"fold-{number}-of-{count}")
        body = _load(kept)
        if body is None:
            adapter = course.work / f"{kept.stem}.adapter"
            with course.stage(f"{rung.name}: train, {where}") as advance:
                train(rung.base, others, course, adapter, advance, f"{rung.name}.fold-{number}-of-{count}")
            with course.stage(f"{rung.name}: read {len(held)} bursts, {where}") as advance:
                checkpoint = load_base(rung.base, adapter=adapter)
                body = _keep(kept, read(checkpoint, held, course, advance), rung_shape, 0.0)
        for question, scores in _readings(body).items():
            tuned[question].update(scores)
    return replace(rung, tuned=tuned)


def train(base: str, items: Sequence[Item], course: Course, out: Path, advance: Advance, name: str = "") -> Path:
    """Train one adapter, its curves under ``name`` (else OUT's); a stopped run goes on where it was."""
    with course.curves(name or out.name) as curve:
        return train_adapter(
            base,
            items,
            course.questions,
            course.train,
            out=out,
            work=out.with_name(f"{out.name}.state"),
            budget=course.budget,
            progress=advance,
            curve=curve,
        )


def read(
    checkpoint: Checkpoint, items: Sequence[Item], course: Course, advance: Advance, *, everything: bool = False
) -> Readings:
    """Score items in every cyclic order of the options, with one pass a burst.

    Only questions that an item has a label for are read, unless ``everything`` is asked for.
    """
    prompts = []
    for item in items:
        whole = encode(render(item.burst, course.questions, course.questions), checkpoint.tokenizer, course.budget)
        branches = tuple(b for b in whole.branches if everything or b.question in item.answers)
        prompts.append(replace(whole, branches=branches))
    logits = score(checkpoint, prompts, progress=lambda done, total: advance(done, total, None))
    found: dict[QuestionId, dict[BurstId, list[float]]] = {q.id: {} for q in course.questions}
    for item, prompt, values in zip(items, prompts, logits, strict=True):
        for question in course.questions:
            rows = [i for i, branch in enumerate(prompt.branches) if branch.question == question.id]
            if rows:
                orders = [prompt.branches[i].order for i in rows]
                found[question.id][item.burst.id] = average_orders([values[i] for i in rows], orders)
    return found


def folds(items: Sequence[Item], count: int) -> list[tuple[list[Item], list[Item]]]:
    """Cut items into ``count`` stretches of whole conversations: (what to train on, what to score) for each.

    Stretches follow time, so that only their ends touch; training items that show messages of the scored stretch, or
    say the same, are left out. Raises TrainingError where there are fewer conversations than folds, and TooFewLabels
    where nothing is left to train on: a rung that was shown what it is scored on would look better than it is.
    """
    conversations = list(by_conversation(items).values())
    if len(conversations) < count:
        raise TrainingError(f"{len(conversations)} conversations cannot be cut into {count} folds; label more")
    stretches: list[list[Item]] = [[]]
    for place, conversation in enumerate(conversations):
        left = len(conversations) - place
        full = sum(map(len, stretches)) >= len(items) * len(stretches) / count
        if stretches[-1] and len(stretches) < count and (full or left == count - len(stretches)):
            stretches.append([])
        stretches[-1].extend(conversation)
    cut: list[tuple[list[Item], list[Item]]] = []
    for held in stretches:
        others = [item for stretch in stretches if stretch is not held for item in stretch]
        fair = list(apart(others, held).kept)
        if not fair:
            raise TooFewLabels(
                f"all {len(others)} labelled bursts outside fold {len(cut) + 1} of {count} show messages of those in "
                "it, so there is nothing to train on fairly; label bursts from more conversations, further apart"
            )
        cut.append((fair, held))
    return cut


def rising(rungs: Sequence[Rung]) -> None:
    """Raise SettingsError where the rungs do not rise in size."""
    sizes = [rung.parameters for rung in rungs]
    if sizes != sorted(set(sizes)):
        told = ", ".join(f"{rung.name} ({rung.parameters:,} parameters)" for rung in rungs)
        raise SettingsError(f"ladder.rungs must rise in size, but are {told}")


def trained_on(names: Sequence[str]) -> str:
    """The largest of the rungs (smallest first) that can be trained; raises SettingsError where none can."""
    found = [name for name in names if not is_gguf(name)]
    if not found:
        raise SettingsError("ladder.rungs names GGUF files only, which nothing is trained on; add a checkpoint")
    return found[-1]


def _kept(course: Course, key: str, what: str) -> Path:
    return course.work / f"{key}.{what}.json"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not made yet, or cut short: it is made anew
        return None
    return body


def _keep(path: Path, readings: Readings, shape: Shape, seconds: float) -> dict[str, Any]:
    body: dict[str, Any] = {
        "parameters": shape.parameters,
        "dense": shape.dense,
        "seconds": round(seconds, 3),
        "readings": {q: dict(s) for q, s in readings.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        aside.write_text(json.dumps(body), encoding="ascii")
    return body


def _readings(body: Mapping[str, Any]) -> Readings:
    return {QuestionId(q): {BurstId(b): s for b, s in scores.items()} for q, scores in body["readings"].items()}
