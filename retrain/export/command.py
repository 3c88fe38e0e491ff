"""``quandary export``: an adapter, a merged model, or one GGUF of any checkpoint."""

from collections.abc import Sequence
from pathlib import Path

import click

from models.llama.quantize import KINDS
from models.settings import load_settings
from retrain.candidate import export_named
from retrain.export.source import find
from retrain.export.write import write_adapter, write_model
from retrain.options import CONFIG

UNUSED_CONFIG = click.option("--config", type=click.Path(path_type=Path), hidden=True, expose_value=False)
FORCE = click.option("--force", is_flag=True, help="Replace what stands at TARGET.")
TARGET = click.argument("target", required=False, type=click.Path(path_type=Path))


@click.group()
def export() -> None:
    """Write an adapter, a merged model or a GGUF for use elsewhere.

    ID is a candidate, "champion", a rung of the starter family, a folder or a hub id.
    """


@export.command()
@click.argument("name", metavar="ID")
@TARGET
@click.option("--base/--no-base", default=None, help="With what it is laid over.  [default: unless that is on a hub]")
@FORCE
@CONFIG
def adapter(name: str, target: Path | None, base: bool | None, config: Path, *, force: bool) -> None:
    """Write the LoRA adapter of ID into the folder TARGET: for peft, for llama.cpp, with a card."""
    settings = load_settings(config)
    source = find(name, settings)
    place = target or Path(f"{source.name}-adapter")
    _tell(write_adapter(source, place, settings, base=not source.on_hub if base is None else base, force=force))


@export.command()
@click.argument("name", metavar="ID")
@TARGET
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KINDS)),
    default=("q8_0",),
    show_default=True,
    help="Quantization; several may be given.",
)
@click.option("--safetensors/--no-safetensors", default=True, show_default=True, help="With the merged checkpoint.")
@FORCE
@CONFIG
def model(
    name: str, target: Path | None, kinds: Sequence[str], config: Path, *, safetensors: bool, force: bool
) -> None:
    """Write the model ID, its adapter merged in, into the folder TARGET: checkpoint, GGUF, Modelfile, with a card."""
    settings = load_settings(config)
    source = find(name, settings)
    place = target or Path(f"{source.name}-model")
    _tell(write_model(source, place, settings, kinds, safetensors=safetensors, force=force))


@export.command()
@click.argument("name", metavar="MODEL")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--adapter", type=click.Path(path_type=Path, exists=True), help="A LoRA adapter to merge in.")
@click.option("--kind", type=click.Choice(list(KINDS)), default="q8_0", show_default=True, help="Quantization.")
@UNUSED_CONFIG
def gguf(name: str, target: Path, adapter: Path | None, kind: str) -> None:
    """Convert MODEL (a rung of the starter family, a folder or a hub id) to the one GGUF file TARGET."""
    export_named(name, adapter, target, kind)
    click.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {kind}")


def _tell(folder: Path) -> None:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        click.echo(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
