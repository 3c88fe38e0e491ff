"""Runs put together as points: what is known of every rung under every setting, question by question. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from models.ids import QuestionId
from models.question import Question
from retrain.judged import Judged, judged
from retrain.scaling.gold import block_means
from retrain.sweep.plan import Experiment, Plan
from retrain.sweep.point import Figure, Point, counts, figures, gap
from retrain.sweep.rows import Rows
from retrain.sweep.run import Result
from retrain.sweep.setting import VANILLA, Run, Setting, short, told_epochs

Points = Mapping[tuple[str, Setting], Point]
"""By rung and setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table; ``gain`` is against the same rung vanilla, None where that was not read."""

    point: Point
    gain: Figure | None


def points(rows: Rows, results: Iterable[Result]) -> dict[QuestionId, Points]:
    """Average runs over seeds; a question that the test rows do not answer is left out."""
    together: dict[tuple[str, Setting], list[Result]] = {}
    for result in results:
        together.setdefault((result.run.rung, result.run.setting), []).append(result)
    found: dict[QuestionId, Points] = {}
    for question in rows.questions:
        made = {key: point for key, runs in together.items() if (point := _point(question, rows, runs)) is not None}
        if made:
            found[question.id] = made
    return found


def lines(plan: Plan, experiment: Experiment, known: Points, metric: str) -> list[Line]:
    """The lines of an experiment's table, as far as there are runs: setting by setting, smallest rung first."""
    wanted = [(rung, setting) for setting in experiment.settings for rung in plan.rungs_of(experiment)]
    return [with_gain(known[key], known, metric) for key in wanted if key in known]


def with_gain(point: Point, known: Points, metric: str) -> Line:
    """A point beside its vanilla rung."""
    vanilla = known.get((point.rung, VANILLA))
    tuned = vanilla is not None and point.setting != VANILLA and metric in point.figures
    return Line(point=point, gain=gap(point, vanilla, metric) if vanilla is not None and tuned else None)


def by_place(points: Sequence[Point]) -> Points:
    """Points by rung and setting."""
    return {(point.rung, point.setting): point for point in points}


def labels(settings: Sequence[Setting]) -> dict[Setting, str]:
    """Short names that tell settings apart: the method, and what not all of them share."""
    tuned = [setting for setting in settings if setting != VANILLA]
    names = [f.name for f in fields(Setting) if f.name != "method"]
    varying = [name for name in names if len({getattr(setting, name) for setting in tuned}) > 1]
    methods = {setting.method for setting in tuned}
    if len(methods) > 1:
        varying = [name for name in varying if name != "ratio"]
    found = {}
    for setting in settings:
        parts = [] if setting == VANILLA else [_told(setting, name) for name in varying]
        method = {"vanilla": "vanilla", "lora": "LoRA", "lora+": "LoRA+"}[setting.method]
        found[setting] = ", ".join([method, *parts])
    return found


def missing(plan: Plan, found: Iterable[Run]) -> list[Run]:
    """Runs of the plan that have not ended."""
    done = set(found)
    return [run for run in plan.runs() if run not in done]


def _told(setting: Setting, name: str) -> str:
    if name == "learning_rate":
        return short(setting.learning_rate)
    if name == "epochs":
        return told_epochs(setting.epochs)
    return f"{name} {getattr(setting, name):g}"


def _point(question: Question, rows: Rows, runs: Sequence[Result]) -> Point | None:
    seen: dict[int, Judged] = {r.run.seed: judged(question, rows.test, r.readings.get(question.id, {})) for r in runs}
    by_seed = {seed: seen[seed] for seed in sorted(seen)}
    first = next(iter(by_seed.values()))
    if not len(first):
        return None
    counted = counts(by_seed)
    return Point(
        rung=runs[0].run.rung,
        parameters=runs[0].parameters,
        setting=runs[0].run.setting,
        figures=figures(counted),
        counts=counted,
        gold=block_means(list(by_seed.values())).mean(axis=1),
        rows=len(first),
    )
