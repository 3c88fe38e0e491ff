"""``quandary annotators``: who labels."""

import asyncio
from pathlib import Path

import click

from bot.queue_access import argilla_of
from labeling.desk import Desk
from models.settings import Settings, load_settings


@click.group()
def annotators() -> None:
    """Let people label in Argilla."""


@annotators.command()
@click.argument("name")
@click.pass_obj
def add(config: Path, name: str) -> None:
    """Give NAME a login to the labelling queue, or a new password if there is one already."""
    url, password = asyncio.run(_add(load_settings(config), name))
    if password is None:
        click.echo(f"{url}  user {name}")
        click.echo(f"{name} was in this Argilla already and may label now, with the password they have", err=True)
        return
    click.echo(f"{url}  user {name}  password {password}")
    click.echo("hand the password over by a safe way; it is shown only now", err=True)


async def _add(settings: Settings, name: str) -> tuple[str, str | None]:
    async with argilla_of(settings) as (url, key), Desk(url, key, settings.questions) as desk:
        return url, await desk.add_annotator(name)
