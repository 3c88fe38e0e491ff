"""Real ladders whose rungs were trained by a sweep, with wrong labels put into the rows that judge.

A sweep (``quandary sweep``) keeps what every rung of a setting says of its test rows, so ladders cost seconds here, and
the rungs have learned from as many rows as a gate's would. They have learned from right labels, though: these are
ladders of models that judge somebody else's labels, and no rung has learned what is wrong with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.errors import InputError
from models.evidence import Check
from models.item import Item
from models.question import Question
from models.settings import GateSettings
from retrain.bench.gate.cases import Case
from retrain.bench.gate.made import Fault
from retrain.bench.gate.rates import Rates, rates
from retrain.bench.gate.real import LEAST
from retrain.bench.gate.tuned import spoilt
from retrain.climb import ladders
from retrain.ladder import Rung
from retrain.peer import labelled
from retrain.scaling.checks import ladder_checks
from retrain.sweep.run import Result, open_bench
from retrain.sweep.setting import VANILLA, Run, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A sweep's test rows, and for each setting its rungs, smallest first, once a seed."""

    questions: tuple[Question, ...]
    items: tuple[Item, ...]
    rungs: Mapping[Setting, tuple[tuple[Rung, ...], ...]]


def read_swept(file: Path, config: Path, folder: Path) -> Swept:
    """Read what the sweep of plan FILE has kept in ``folder``, as far as all rungs of a setting and seed are there.

    Rows count once each. Raises InputError where they are nowhere.
    """
    bench = open_bench(file, config, folder)
    keys = bench.keys(bench.plan.runs())
    found = {run: result for run, key in keys.items() if (result := bench.found(key)) is not None}
    rungs = {
        setting: tuple(each for seed in bench.plan.seeds if (each := _climbed(bench.plan.rungs, found, setting, seed)))
        for setting in dict.fromkeys(run.setting for run in found)
        if setting != VANILLA
    }
    rungs = {setting: seeds for setting, seeds in rungs.items() if seeds}
    if not rungs:
        raise InputError(f"{folder} has no setting of {file} for which all rungs were trained; run `quandary sweep`")
    items = tuple(replace(item, weight=1.0) for item in bench.rows.test)
    return Swept(questions=bench.rows.questions, items=items, rungs=rungs)


def run_swept(swept: Swept, cases: Sequence[Case], draws: int, gate: GateSettings, seed: int) -> list[Rates]:
    """Count on every setting's ladders, with wrong labels drawn ``draws`` times a seed; right ones are judged once.

    Labels that lean to the small rung are turned to what it says, tuned by the same setting.
    """
    found = []
    for question in (q for q in swept.questions if len(labelled(q, swept.items)) >= LEAST):
        for setting, seeds in swept.rungs.items():
            source = f"{question.id}, {setting} ({seeds[0][0].name} to {seeds[0][-1].name})"
            for case in cases:
                told: list[tuple[list[Check], float]] = []
                for number, rungs in enumerate(seeds):
                    for draw in range(draws if case.fault != Fault() else 1):
                        rng = np.random.default_rng([seed, number, draw])
                        given, wrong = spoilt(question, swept.items, case.fault, rungs[0].tuned[question.id], rng)
                        (ladder,) = ladders((question,), rungs, given)
                        told.append((ladder_checks(ladder, gate, np.random.default_rng([seed, draw])), wrong))
                labels = len(labelled(question, swept.items))
                found.append(rates(source, case.name, labels, [one[0] for one in told], [one[1] for one in told]))
    return found


def _climbed(names: Sequence[str], found: Mapping[Run, Result], setting: Setting, seed: int) -> tuple[Rung, ...]:
    """The rungs of one setting and seed; () where one is missing. What is vanilla was read once, for all seeds."""
    vanilla = {run.rung: result for run, result in found.items() if run.setting == VANILLA}
    tuned = {run.rung: result for run, result in found.items() if (run.setting, run.seed) == (setting, seed)}
    if not set(names) <= set(vanilla) & set(tuned):
        return ()
    return tuple(
        Rung(
            name=name,
            base=name,
            parameters=vanilla[name].parameters,
            seconds=vanilla[name].read_s,
            vanilla=vanilla[name].readings,
            tuned=tuned[name].readings,
        )
        for name in sorted(names, key=lambda name: vanilla[name].parameters)
    )
