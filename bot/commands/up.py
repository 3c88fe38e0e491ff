"""``quandary up``: the bot itself."""

import asyncio
from pathlib import Path

import click

from bot.up import Bot
from models.settings import load_settings


@click.command()
@click.pass_obj
def up(config: Path) -> None:
    """Run bot, schedule and labelling queue until ctrl-C.

    Listens to the chat that config.toml names, decides each burst, asks in Argilla (an embedded one unless config.toml
    names a URL), retrains by schedule, and takes in what a maintainer approves.
    """
    settings = load_settings(config)
    asyncio.run(Bot(settings, config.resolve(), lambda text: click.echo(text, err=True)).run())
