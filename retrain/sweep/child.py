"""``python -m retrain.sweep.child``: one run of a sweep, as a process of its own that imports no more than it needs."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import click
import torch

from models.errors import QuandaryError
from retrain.stage import Advance
from retrain.sweep.run import by_key, do, open_bench

TOLD_EVERY_S = 0.5


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("key")
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("config", type=click.Path(path_type=Path))
def child(file: Path, key: str, out: Path, config: Path) -> None:
    """Do the run of the plan FILE that has the hash KEY, and keep it in OUT; every line printed says how far it is."""
    bench = open_bench(file, config, out)
    torch.set_num_threads(bench.plan.threads)
    do(by_key(key, bench.keys(bench.plan.runs())), key, bench, _teller())


def _teller() -> Advance:
    """Print progress now and then; where nobody reads it any more, this ends the run."""
    told = 0.0

    def advance(done: int, total: int, loss: float | None) -> None:
        nonlocal told
        if done < total and time.monotonic() - told < TOLD_EVERY_S:
            return
        told = time.monotonic()
        print(json.dumps({"done": done, "total": total, "loss": loss}), flush=True)

    return advance


def main() -> None:
    """Do one run; an error that Quandary can explain is the last line on standard error."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        child(prog_name="python -m retrain.sweep.child")
    except QuandaryError as error:
        click.echo(f"retrain: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever started us is gone; what is done so far is kept
        os._exit(1)


if __name__ == "__main__":
    main()
