"""The command ``quandary sweep``."""

import asyncio
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from models.errors import TrainingError
from models.learning_lock import alone
from models.settings import load_settings
from retrain.options import CONFIG
from retrain.priority import step_back
from retrain.sweep.bars import Bars
from retrain.sweep.costs import costs, left_s, seconds, told_time
from retrain.sweep.jobs import Work, cores, work_off
from retrain.sweep.report import write_report
from retrain.sweep.rows import shared_rows
from retrain.sweep.run import Bench, Result, open_bench, probe
from retrain.sweep.setting import Run

STOPPED = 130
"""Exit status after ctrl-C, as shells have it."""

_file = click.argument("file", type=click.Path(path_type=Path))


@click.command()
@_file
@click.option("--out", type=click.Path(path_type=Path), help="Kept runs and the report.  [default: FILE without .toml]")
@click.option("--jobs", type=click.IntRange(min=1), help="Runs at once.  [default: cores over the plan's threads]")
@click.option("--only", metavar="NAME", help="Do this experiment alone.")
@click.option("--dry-run", is_flag=True, help="List what would run, with its time by a short probe.")
@CONFIG
def sweep(file: Path, out: Path | None, jobs: int | None, only: str | None, config: Path, *, dry_run: bool) -> None:
    """Train and judge everything that the plan FILE lists, and report with the paper's tables beside.

    Runs that have ended are kept, so the same command goes on where it was stopped.
    """
    step_back(load_settings(config).train)
    folder = out or file.with_suffix("")
    bench = open_bench(file, config, folder)
    warning = shared_rows(bench.plan, bench.rows)
    if warning is not None:
        click.echo(warning, err=True)
    with alone(folder):
        keys = bench.keys(bench.plan.runs())
        wanted = bench.plan.runs(only)
        found = {run: result for run in keys if (result := bench.found(keys[run])) is not None}
        left = [run for run in wanted if run not in found]
        jobs = jobs or max(1, cores() // bench.plan.threads)
        if dry_run:
            _list(wanted, found, bench, jobs)
            return
        failed = _work_off(left, keys, found, bench, file, config, jobs)
        found = {run: result for run in keys if (result := bench.found(keys[run])) is not None}
        written = write_report(bench, found, failed, folder / "report", warning)
    click.echo(f"report: {written}")
    if failed:
        told = "; ".join(f"{run}: {reason}" for run, reason in failed.items())
        raise TrainingError(f"{len(failed)} of {len(wanted)} runs failed, the others are kept: {told}")


def _work_off(
    left: list[Run], keys: dict[Run, str], found: dict[Run, Result], bench: Bench, file: Path, config: Path, jobs: int
) -> dict[Run, str]:
    runs = bench.folder / "runs"
    same = [str(bench.folder), str(config)]
    work = [
        Work(
            run=run,
            command=[sys.executable, "-m", "retrain.sweep.child", str(file), keys[run], *same],
            log=runs / f"{keys[run]}.log",
        )
        for run in left
    ]
    with Bars(left, found, bench, keys, jobs) as bars:
        doing = work_off(work, jobs=jobs, threads=bench.plan.threads, watcher=bars, clock=time.monotonic)
        try:
            return asyncio.run(doing)
        except (KeyboardInterrupt, SystemExit) as stop:
            done = len(bars.found) - len(found)
            click.echo(f"stopped: {done} of {len(left)} runs ended and are kept; the same command goes on", err=True)
            sys.exit(stop.code if isinstance(stop, SystemExit) else STOPPED)


def _list(wanted: tuple[Run, ...], found: dict[Run, Result], bench: Bench, jobs: int) -> None:
    out, train, test = Console(), len(bench.rows.train), len(bench.rows.test)
    known = costs(found.values())
    left = [run for run in wanted if run not in found]
    for rung in dict.fromkeys(run.rung for run in left):
        if rung not in known:
            known |= costs([probe(rung, bench)])
    for run in wanted:
        told = "done" if run in found else told_time(seconds(run, known, train=train, test=test))
        out.print(f"{told:>8}  {escape(str(run))}", highlight=False)
    whole = told_time(left_s(left, known, train=train, test=test, jobs=jobs))
    out.print(
        f"{len(left)} of {len(wanted)} runs are left: about {whole} with {jobs} at once, "
        f"on {train} rows, judged by {test}",
        highlight=False,
    )
