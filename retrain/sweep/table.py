"""Runs put together as points: what is known of every rung under every setting, question by question. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from models.ids import QuestionId
from models.item import Item
from models.question import Question
from retrain.judged import Judged, judged
from retrain.sweep.plan import Experiment, Plan
from retrain.sweep.point import GOLD, Figure, Point, counts, figures, floor, gap
from retrain.sweep.rows import Rows
from retrain.sweep.run import Result
from retrain.sweep.setting import VANILLA, Run, Setting, short, told_epochs

HYPERPARAMETERS = tuple(f.name for f in fields(Setting) if f.name != "method")
Points = Mapping[tuple[str, Setting], Point]
"""By rung and setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table; gains, in the metric and in log-probability, are against the same rung vanilla.

    They are None for a vanilla rung, and where vanilla was not read.
    """

    point: Point
    gain: Figure | None
    gold_gain: Figure | None


def points(rows: Rows, results: Iterable[Result], *, weighted: bool) -> dict[QuestionId, Points]:
    """Average runs over seeds; a question that the test rows do not answer is left out.

    With ``weighted`` a row counts by its weight, else once.
    """
    test = rows.test if weighted else tuple(replace(item, weight=1.0) for item in rows.test)
    together: dict[tuple[str, Setting], list[Result]] = {}
    for result in results:
        together.setdefault((result.run.rung, result.run.setting), []).append(result)
    found: dict[QuestionId, Points] = {}
    for question in rows.questions:
        made = {key: point for key, runs in together.items() if (point := _point(question, test, runs)) is not None}
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

    def gain(name: str) -> Figure | None:
        if vanilla is None or point.setting == VANILLA or name not in point.figures:
            return None
        return gap(point, vanilla, name)

    return Line(point=point, gain=gain(metric), gold_gain=gain(GOLD))


def by_place(points: Sequence[Point]) -> Points:
    """Points by rung and setting."""
    return {(point.rung, point.setting): point for point in points}


def labels(settings: Sequence[Setting]) -> dict[Setting, str]:
    """Short names that tell settings apart: the method, and what not all of them share."""
    varying = _varying(settings)
    found = {}
    for setting in settings:
        parts = [] if setting == VANILLA else [_told(setting, name) for name in varying]
        method = {"vanilla": "vanilla", "lora": "LoRA", "lora+": "LoRA+"}[setting.method]
        found[setting] = ", ".join([method, *parts])
    return found


def shared(settings: Sequence[Setting]) -> str:
    """What all settings but vanilla have in common, in words; empty where there are none."""
    varying = _varying(settings)
    tuned = [setting for setting in settings if setting.method != "vanilla"]
    names = [name for name in HYPERPARAMETERS if name != "ratio" and name not in varying]
    return ", ".join(_told(tuned[0], name) for name in names) if tuned else ""


def missing(plan: Plan, found: Iterable[Run]) -> list[Run]:
    """Runs of the plan that have not ended."""
    done = set(found)
    return [run for run in plan.runs() if run not in done]


def _varying(settings: Sequence[Setting]) -> list[str]:
    """Hyperparameters in which settings differ; the ratio counts where there are several for one method."""
    tuned = [setting for setting in settings if setting != VANILLA]
    varying = [name for name in HYPERPARAMETERS if len({getattr(setting, name) for setting in tuned}) > 1]
    ratios = {setting.ratio for setting in tuned if setting.method == "lora+"}
    return [name for name in varying if name != "ratio" or len(ratios) > 1]


def _told(setting: Setting, name: str) -> str:
    if name == "learning_rate":
        return short(setting.learning_rate)
    if name == "epochs":
        return told_epochs(setting.epochs)
    return f"{name} {getattr(setting, name):g}"


def _point(question: Question, test: Sequence[Item], runs: Sequence[Result]) -> Point | None:
    seen: dict[int, Judged] = {r.run.seed: judged(question, test, r.readings.get(question.id, {})) for r in runs}
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
        rows=len(first),
        floor=floor(first),
    )
