"""What ``quandary bench decide`` hands on: random weights in a well-known shape, and the arm that uses transformers."""

import sys
from pathlib import Path

import click

from models.llama.shape import SHAPES

_SHAPE = click.Choice(list(SHAPES))


@click.command()
@click.argument("shape", type=_SHAPE)
@click.argument("target", type=click.Path(path_type=Path))
def weights(shape: str, target: Path) -> None:
    """Write random weights in SHAPE to the F16 GGUF file TARGET."""
    from retrain.bench.weights import write_random  # noqa: PLC0415 - other commands do not need it

    write_random(SHAPES[shape], target)


@click.command()
@click.argument("shape", type=_SHAPE)
@click.option("--threads", default=2, show_default=True)
def forward(shape: str, threads: int) -> None:
    """Read prompts from standard input with transformers: a JSON list of lists of token ids a line."""
    from retrain.bench.forward import answer  # noqa: PLC0415 - as above

    for line in answer(SHAPES[shape], sys.stdin, threads=threads):
        click.echo(line)
        sys.stdout.flush()
