"""The file of a sweep as a frozen plan; every fault is told with its key and what is allowed there."""

import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from models.errors import SettingsError
from models.settings.table import Count, Share, Table
from retrain.sweep.setting import TABLES, VANILLA, Method, Run, Setting


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


_LISTED = BeforeValidator(_listed)
_SOME = Field(min_length=1)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Rate = Annotated[float, Field(gt=0.0, lt=1.0)]
Ratio = Annotated[float, Field(ge=1.0)]
Seed = Annotated[int, Field(ge=0, le=2**31)]


class Experiment(Table):
    """One table of the report: every combination of what is listed, on every rung, with every seed.

    A single value may stand for a list of one. ``paper`` names the paper's table that stands beside it.
    """

    name: Name
    about: str = ""
    paper: Annotated[str | None, Field(pattern=f"^({'|'.join(TABLES)})$")] = None
    rungs: Annotated[tuple[str, ...] | None, _SOME] = None
    seeds: Annotated[tuple[Seed, ...] | None, _SOME] = None
    method: Annotated[tuple[Method, ...], _LISTED, _SOME] = ("lora",)
    rank: Annotated[tuple[Count, ...], _LISTED, _SOME] = (64,)
    alpha: Annotated[tuple[Count, ...], _LISTED, _SOME] = (16,)
    learning_rate: Annotated[tuple[Rate, ...], _LISTED, _SOME] = (2e-4,)
    ratio: Annotated[tuple[Ratio, ...], _LISTED, _SOME] = (16.0,)
    epochs: Annotated[tuple[Count, ...], _LISTED, _SOME] = (1,)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All combinations, vanilla once and LoRA's without ratios."""
        found: list[Setting] = []
        for method in self.method:
            if method == "vanilla":
                found.append(VANILLA)
                continue
            ratios = (1.0,) if method == "lora" else self.ratio
            for epochs, ratio, rate, alpha, rank in product(
                self.epochs, ratios, self.learning_rate, self.alpha, self.rank
            ):
                found.append(
                    Setting(method=method, rank=rank, alpha=alpha, learning_rate=rate, ratio=ratio, epochs=epochs)
                )
        return tuple(dict.fromkeys(found))


class Plan(Table):
    """A whole sweep. ``rows`` (0: all) of the train file are drawn by conversation, by the seed ``draw``.

    ``train``, ``test`` and rungs that are folders are relative to the plan's file. ``threads`` are those of one run.
    With ``weighted`` test rows count by their weights (rates as in the chat), though training rows count once.
    ``metric`` is what gains and answers are about, ``margin`` (0..1) how much of it makes no difference.
    """

    title: str = "Sweep"
    about: str = ""
    train: Path
    test: Path
    questions: Annotated[tuple[str, ...], _LISTED] = ()
    rungs: Annotated[tuple[str, ...], _SOME]
    seeds: Annotated[tuple[Seed, ...], _LISTED, _SOME] = (0,)
    rows: Annotated[int, Field(ge=0)] = 0
    draw: Seed = 0
    batch: Count = 16
    warmup_steps: Annotated[int, Field(ge=0)] = 10
    dropout: Share = 0.05
    threads: Count = 1
    weighted: bool = False
    metric: Annotated[str, Field(pattern="^(precision|recall|f1|macro_f1)$")] = "f1"
    margin: Share = 0.02
    experiment: Annotated[tuple[Experiment, ...], _SOME]

    @model_validator(mode="after")
    def _names(self) -> "Plan":
        names = [experiment.name for experiment in self.experiment]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two experiments have the name {twice[0]}; give each its own")
        return self

    def rungs_of(self, experiment: Experiment) -> tuple[str, ...]:
        """The rungs of an experiment: its own, or the plan's."""
        return experiment.rungs or self.rungs

    def seeds_of(self, experiment: Experiment, setting: Setting) -> tuple[int, ...]:
        """The seeds of a setting; a vanilla rung has nothing that a seed could change."""
        return (0,) if setting == VANILLA else tuple(dict.fromkeys(experiment.seeds or self.seeds))

    def runs(self, only: str | None = None) -> tuple[Run, ...]:
        """Every run once, one seed of everything before the next, so that a stopped sweep can tell something.

        Raises SettingsError where no experiment is named ``only``.
        """
        return tuple(run for _, run in sorted(dict.fromkeys(self._placed(only)), key=lambda placed: placed[0]))

    def _placed(self, only: str | None) -> Iterator[tuple[int, Run]]:
        known = [experiment for experiment in self.experiment if only in (None, experiment.name)]
        if not known:
            names = ", ".join(experiment.name for experiment in self.experiment)
            raise SettingsError(f"no experiment is named {only}; there are {names}")
        seen: set[Run] = set()
        for experiment in known:
            for setting in experiment.settings:
                for rung in self.rungs_of(experiment):
                    for place, seed in enumerate(self.seeds_of(experiment, setting)):
                        run = Run(rung=rung, setting=setting, seed=seed)
                        if run not in seen:
                            seen.add(run)
                            yield place, run


def load_plan(path: Path) -> Plan:
    """Read the file of a sweep; raises SettingsError naming every fault with its key."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no plan at {path}; docs/examples/paper.toml is one to copy") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} is not readable as TOML: {error}") from error
    try:
        plan = Plan.model_validate(tables)
    except ValidationError as error:
        faults = [_fault(fault, tables) for fault in error.errors()]
        raise SettingsError(f"{path} has {len(faults)} fault(s):\n" + "\n".join(faults)) from error
    base = path.resolve().parent
    return plan.model_copy(update={"train": base / plan.train.expanduser(), "test": base / plan.test.expanduser()})


def _fault(fault: ErrorDetails, tables: dict[str, Any]) -> str:
    """A fault's place as people count it (an experiment by its name), what is wrong, and what may stand there."""
    where = list(fault["loc"])
    if where[:1] == ["experiment"] and len(where) > 1 and isinstance(where[1], int):
        table = tables["experiment"][where[1]]
        name = table.get("name") if isinstance(table, dict) else None
        where[:2] = [f"experiment {name or where[1] + 1}"]
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        keys = Experiment.model_fields if str(where[0]).startswith("experiment ") else Plan.model_fields
        said = f"there is no such key; known are {', '.join(keys)}"
    elif fault["type"] == "string_pattern_mismatch" and where[-1] in ("paper", "metric"):
        allowed = TABLES if where[-1] == "paper" else ("precision", "recall", "f1", "macro_f1")
        said = f"must be one of {', '.join(allowed)}"
    return f"  {'.'.join(str(part) for part in where) or '(file)'}: {said}"
