"""The nightly flow, whole: labels -> frozen dataset -> ladder -> adapter -> GGUF -> calibration -> gate -> candidate.

Stages that took long leave their results in a work folder of the dataset, so a cycle that was stopped goes on there;
the folder is removed when the candidate stands. Nothing outside it is touched before the last step.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from models.champion import champion_gguf
from models.consent import Modes
from models.evidence import Candidate, Verdict
from models.item import Item
from models.learning_lock import alone
from models.llama import LlamaDecider, open_decider
from models.question import versions
from models.settings import Settings
from models.step import Step
from models.store import labels, learning, responses, selection, suspects
from models.store.database import Database, open_database
from retrain.acting import act
from retrain.candidate import FOLDER, MODEL, build, candidate_id, place, writing
from retrain.card import Origins
from retrain.climb import Limits, climb, ladders
from retrain.curves import curves
from retrain.dataset import Dataset, freeze
from retrain.evidence_file import FILE, write_evidence
from retrain.holdout import gather
from retrain.ladder import Course, Rung, train, trained_on
from retrain.leakage import refuse
from retrain.picture import PICTURE, draw, panels
from retrain.report import RunReport
from retrain.scaling.ladder import Ladder
from retrain.second_try import at_rate
from retrain.selection.ladder import read_blank
from retrain.selection.picture import draw_selection
from retrain.selection.stage import plan_of, run_of, select, title_of, told_of
from retrain.suspecting import all_weighed, weighings
from retrain.verdict import reach

SELECTION, CURVES = "selection.png", "curves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a cycle ends with."""

    candidate: Candidate
    verdict: Verdict
    step: Step | None
    """What the gate proposes to do next; None where the candidate passed."""
    dataset: Dataset
    ladders: tuple[Ladder, ...]


def cycle(
    settings: Settings,
    *,
    limits: Limits | None = None,
    quiet: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Learned:
    """Run the whole flow on the labels in the store; the candidate and its verdict are written last, together.

    Raises TooFewLabels, ModelError, TrainingError (also where another run learns already) or ExportError; then there
    is no candidate.
    """
    limits = limits or Limits()
    with (
        alone(settings.data_dir),
        closing(open_database(settings.data_dir)) as db,
        RunReport(db, "cycle", quiet=quiet, now=now) as report,
    ):
        dataset = frozen(settings, db, now())
        report.frozen(dataset.id)
        refuse(dataset.leakage, dataset.id[:12])
        _fit_to_begin(settings)
        items = thinned(dataset.train, limits.items or settings.train.max_items)
        report.say(
            f"dataset {dataset.id[:12]}: {len(items)} of {len(dataset.train)} labelled bursts to train on, "
            f"{len(dataset.calibration)} to calibrate, {len(dataset.gate)} for the gate"
        )
        course = course_of(settings, work_of(settings, dataset), report)
        with writing(course.work):
            rungs, course = climb(settings, items, course, limits)
            top, climbed = _top(rungs), ladders(settings.questions, rungs, items)
            for setback in (s for ladder in climbed for s in ladder.setbacks):
                report.say(f"{setback.question}: {setback.told}")
            with course.stage(f"weigh the labels of {len(items)} bursts"):
                weighed = all_weighed(weighings(climbed, items, suspects.annotators(db)))
            suspects.replace(db, dataset.id, weighed, now())
            with course.stage(f"{top.name}: choose among the labels of {len(items)} bursts"):
                chosen = select(climbed, items, read_blank(top.base, items[0], course), plan_of(settings.train))
            selection.put(db, run_of(dataset.id, settings.train, top.name, chosen, now()), chosen.scores)
            report.say(told_of(chosen))
            with course.stage(f"{top.name}: train the candidate on {len(chosen.items)} bursts") as advance:
                adapter = train(
                    top.base,
                    chosen.items,
                    at_rate(course, top.learning_rate),
                    course.work / "adapter",
                    advance,
                    f"{top.name}.candidate",
                )
        made = build(top.base, adapter, dataset.gate, settings, course)
        evidence = gather(dataset, made, settings, db, course, ladders=climbed, taught=items)
        write_evidence(evidence, settings.questions, made.folder / FILE)
        name = candidate_id(dataset.id, top.name, made.gguf_sha256)
        folder = f"{FOLDER}/{name}"
        # Judged is the file, not what it was made of: it rounds, and a verdict must be reached again from it.
        verdict, evidence = reach(
            made.folder / FILE,
            settings.questions,
            settings.gate,
            settings.train.seed,
            candidate=name,
            judged_at=now(),
            picture=f"{folder}/{PICTURE}",
        )
        draw(panels(evidence.ladders, settings.train.seed), verdict.outcome, made.folder / PICTURE)
        draw_selection(chosen.rows, title_of(plan_of(settings.train), top.name), made.folder / SELECTION)
        candidate = Candidate(
            id=name,
            run=report.row.id,
            dataset=dataset.id,
            base=top.name,
            adapter_path=f"{folder}/adapter",
            adapter_sha256=made.adapter_sha256,
            gguf_path=f"{folder}/{MODEL}",
            gguf_sha256=made.gguf_sha256,
            question_versions=versions(settings.questions),
            created_at=now(),
        )
        place(made.folder, settings.data_dir / folder)
        learning.put_candidate(db, candidate, verdict)
        selection.put_picture(db, dataset.id, f"{folder}/{SELECTION}")
        step = act(db, settings, verdict, climbed, now())
        shutil.rmtree(course.work, ignore_errors=True)
        report.say(f"candidate {name}: the gate says {verdict.outcome.value}; {told_of(chosen)}, {folder}/{SELECTION}")
    return Learned(candidate=candidate, verdict=verdict, step=step, dataset=dataset, ladders=evidence.ladders)


def open_champion(settings: Settings) -> LlamaDecider:
    """Open what a candidate will be compared with; raises ModelError where it is missing, corrupt or was changed."""
    path, sha256 = champion_gguf(settings)
    return open_decider(path, settings.questions, settings.decide, sha256)


def _fit_to_begin(settings: Settings) -> None:
    """Notice before hours of training what would end it: no rung to train on, a champion that cannot be opened."""
    trained_on(settings.ladder.rungs)
    open_champion(settings).close()


def _top(rungs: Sequence[Rung]) -> Rung:
    """The rung that the candidate is trained on."""
    name = trained_on([rung.name for rung in rungs])
    return next(rung for rung in rungs if rung.name == name)


def frozen(settings: Settings, db: Database, at: datetime) -> Dataset:
    """Freeze the labels in the store and write the dataset down; raises TooFewLabels."""
    known = versions(settings.questions)
    modes = Modes(settings.rooms())
    origins = Origins(
        labels=labels.settled(db, known),
        answered=responses.answered(db),
        rights=modes.told,
        licences=labels.licences(db),
    )
    dataset = freeze(
        labels.items(db, known, settings.ask.audit_block_minutes, lambda *room: modes.of(*room).mode),
        settings.questions,
        settings.data_dir,
        holdout_share=settings.gate.holdout_share,
        folds=settings.train.folds,
        frozen_at=at,
        origins=origins,
    )
    path = dataset.path.relative_to(settings.data_dir).as_posix()
    learning.put_dataset(db, dataset.id, path, dataset.size, known, at)
    return dataset


def work_of(settings: Settings, dataset: Dataset) -> Path:
    """The folder in which a cycle on this dataset keeps its stages."""
    return settings.data_dir / "work" / dataset.id[:16]


def course_of(settings: Settings, work: Path, report: RunReport) -> Course:
    """Set up what all rungs share."""
    drawn = curves(settings.train, settings.data_dir / CURVES / work.name)
    return replace(Course.of(settings, work, report.stage), curves=drawn)


def thinned(items: Sequence[Item], most: int) -> tuple[Item, ...]:
    """At most ``most`` items (0: all), spread evenly over time."""
    if not most or len(items) <= most:
        return tuple(items)
    return tuple(items[i * len(items) // most] for i in range(most))
