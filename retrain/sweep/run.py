"""One run of a sweep: train, read the test rows, keep what was read. Kept files are named by the run's hash."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from models.errors import ExportError, SettingsError
from models.ids import BurstId, QuestionId
from models.item import Item
from models.replacement import replacing
from models.settings import TrainSettings, load_settings
from retrain.checkpoint import load_base
from retrain.ladder import Course, Readings, prepared_base, read, train
from retrain.lora import LOSSES, weights_hash
from retrain.stage import Advance, silent
from retrain.sweep.plan import Plan, load_plan
from retrain.sweep.rows import Rows, read_rows
from retrain.sweep.setting import VANILLA, Run, rows_digest, run_key

PROBE_ROWS = 32
"""So many rows are trained on and half as many read to learn what a rung costs."""
PROBE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all runs of a sweep share: the plan, its rows, and the folder of kept files."""

    plan: Plan
    rows: Rows
    budget: int
    """Longest prompt, in tokens."""
    folder: Path
    beside: Path
    """The folder of the plan's file: where rungs that are folders are looked for."""

    def base(self, rung: str) -> str:
        """What a rung is loaded from; a starter with its gold adapter is put together where it is not yet."""
        local = self.beside / Path(rung).expanduser()
        found = str(local) if not rung.startswith("starter") and local.is_dir() else rung
        return prepared_base(found, self.folder)

    def keys(self, runs: Sequence[Run]) -> dict[Run, str]:
        """Each run's hash; starters are put together here, before several processes would do it at once.

        Raises ModelError where a rung is not there.
        """
        digests = [rows_digest(self.rows.train), rows_digest(self.rows.test)]
        shared = (self.plan.batch, self.plan.warmup_steps, self.plan.dropout, self.budget)
        weights = {rung: weights_hash(self.base(rung)) for rung in dict.fromkeys(r.rung for r in runs)}
        return {
            run: run_key(run, weights=weights[run.rung], rows=digests, questions=self.rows.questions, shared=shared)
            for run in runs
        }

    def kept(self, key: str) -> Path:
        """Where a run's result is, or will be."""
        return self.folder / "runs" / f"{key}.json"

    def found(self, key: str) -> "Result | None":
        """What a run found; None where it has not ended, or its file was cut short."""
        try:
            body = json.loads(self.kept(key).read_text(encoding="ascii"))
            return Result.of(body)
        except (OSError, ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run found. ``train_s`` and ``read_s`` are seconds of its training and reading, without loading.

    ``examples`` were trained on, counted once an epoch; ``losses`` (nats) are those of every step.
    """

    run: Run
    parameters: int
    examples: int
    train_s: float
    read: int
    read_s: float
    losses: tuple[float, ...]
    readings: Readings

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Result":
        """Read back what was kept."""
        run = body.pop("run")
        setting = type(VANILLA)(**run.pop("setting"))
        readings = {QuestionId(q): {BurstId(b): s for b, s in rows.items()} for q, rows in body.pop("readings").items()}
        losses = tuple(body.pop("losses"))
        return cls(run=Run(**run, setting=setting), readings=readings, losses=losses, **body)


def open_bench(file: Path, config: Path, folder: Path) -> Bench:
    """Read a plan and its rows; raises SettingsError and InputError."""
    plan, settings = load_plan(file), load_settings(config)
    rows = read_rows(plan, settings.questions)
    budget = settings.decide.max_prompt_tokens
    return Bench(plan=plan, rows=rows, budget=budget, folder=folder, beside=file.resolve().parent)


def do(run: Run, key: str, bench: Bench, advance: Advance) -> Result:
    """Train and read as far as that is not done yet, and keep the result; a killed run goes on where it was."""
    found = bench.found(key)
    if found is not None:
        return found
    adapter = bench.folder / "runs" / f"{key}.adapter"
    result = _made(run, bench.rows.train, bench.rows.test, bench, adapter, advance)
    keep(result, bench.kept(key))
    shutil.rmtree(adapter, ignore_errors=True)
    return result


def probe(rung: str, bench: Bench) -> Result:
    """Learn what a rung costs from a few rows."""
    run = next(r for r in (*bench.plan.runs(), Run(rung=rung, setting=VANILLA, seed=0)) if r.rung == rung)
    if run.setting != VANILLA:
        run = replace(run, setting=replace(run.setting, epochs=1))
    adapter = bench.folder / "runs" / f"{PROBE}.adapter"
    few = bench.rows.train[:PROBE_ROWS], bench.rows.test[: PROBE_ROWS // 2]
    try:
        return _made(run, *few, bench, adapter, lambda _done, _total, _loss: None)
    finally:
        shutil.rmtree(adapter, ignore_errors=True)


def _made(
    run: Run, trained: Sequence[Item], judged: Sequence[Item], bench: Bench, adapter: Path, advance: Advance
) -> Result:
    base = bench.base(run.rung)
    course = _course(run, bench)
    tuned = run.setting != VANILLA
    began = time.monotonic()
    if tuned and not (adapter / LOSSES).exists():
        train(base, trained, course, adapter, advance)
    ended = time.monotonic()
    checkpoint = load_base(base, adapter=adapter if tuned else None)
    loaded = time.monotonic()
    readings = read(checkpoint, judged, course, advance)
    return Result(
        run=run,
        parameters=sum(p.numel() for name, p in checkpoint.model.named_parameters() if "lora_" not in name),
        examples=len(trained) * run.setting.epochs,
        train_s=round(ended - began, 3) if tuned else 0.0,
        read=len(judged),
        read_s=round(time.monotonic() - loaded, 3),
        losses=tuple(json.loads((adapter / LOSSES).read_text(encoding="utf-8"))) if tuned else (),
        readings=readings,
    )


def _course(run: Run, bench: Bench) -> Course:
    plan = bench.plan
    made = {"batch": plan.batch, "warmup_steps": plan.warmup_steps, "dropout": plan.dropout, "seed": run.seed}
    return Course(
        questions=bench.rows.questions,
        train=TrainSettings.model_validate({**run.setting.train_values(), **made}),
        budget=bench.budget,
        work=bench.folder,
        stage=silent,
    )


def keep(result: Result, path: Path) -> None:
    """Write a result aside and rename it; raises ExportError."""
    body = asdict(result)
    body["readings"] = {
        q: {b: [round(value, 5) for value in scores] for b, scores in rows.items()}
        for q, rows in result.readings.items()
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            aside.write_text(json.dumps(body), encoding="ascii")
    except OSError as error:
        raise ExportError(f"could not keep the result of {result.run} in {path}: {error}") from error


def by_key(key: str, keys: dict[Run, str]) -> Run:
    """The run with a hash; raises SettingsError where plan, rows or models changed since it was made."""
    for run, known in keys.items():
        if known == key:
            return run
    raise SettingsError(f"no run of this plan has the hash {key}; plan, rows or models have changed: start anew")
