"""``quandary annotators``: who labels."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.news import effect_of
from bot.queue_access import argilla_of
from labeling.accounts import Account, Role
from labeling.desk import Desk
from labeling.effect import told
from models.settings import Settings, load_settings
from models.store.database import open_database


@click.group()
def annotators() -> None:
    """Let people label in Argilla."""


@annotators.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ANNOTATOR.value,
    show_default=True,
    help="annotator answers; admin also sees everybody's answers; owner may do anything in Argilla.",
)
@click.pass_obj
def add(config: Path, name: str, role: str) -> None:
    """Give NAME a login to the labelling queue, or a new password if there is one already.

    The password is shown this once and kept nowhere but hashed. Argilla has no page to change it: whoever lost theirs,
    or wants one that nobody has seen on the way, gets another by this command, which ends the old one.
    """
    url, password = asyncio.run(_add(load_settings(config), name, Role(role)))
    if password is None:
        click.echo(f"{url}  user {name}")
        click.echo(f"{name} was in this Argilla already and may label now, with the password they have", err=True)
        return
    click.echo(f"{url}  user {name}  password {password}")
    click.echo("hand the password over by a safe way; it is shown only now", err=True)


@annotators.command()
@click.argument("name", required=False)
@click.pass_obj
def effect(config: Path, name: str | None) -> None:
    """Say what the labels of NAME, or of everybody, did: answers used, agreement, ask rate before and after."""
    with closing(open_database(load_settings(config).data_dir)) as db:
        work, rates, _ = effect_of(db, name, datetime.now(UTC))
        for line in told(work, rates, whose=f"{name}'s" if name else "everybody's"):
            click.echo(line)


@annotators.command("list")
@click.pass_obj
def list_(config: Path) -> None:
    """Show who works on the labelling queue, and Argilla's owners, who see everything."""
    for account in asyncio.run(_list(load_settings(config))):
        click.echo(f"{account.role:<10} {account.name}")


@annotators.command()
@click.argument("name")
@click.pass_obj
def remove(config: Path, name: str) -> None:
    """Shut NAME out of the labelling queue; their labels stay. `annotators add` lets them in again."""
    asyncio.run(_remove(load_settings(config), name))
    click.echo(f"{name} no longer sees the labelling queue")


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator[Desk]:
    async with argilla_of(settings) as (url, key), Desk(url, key, settings.questions, settings.ask.language) as desk:
        yield desk


async def _add(settings: Settings, name: str, role: Role) -> tuple[str, str | None]:
    async with _desk(settings) as desk:
        return desk.url, await desk.add_annotator(name, role)


async def _list(settings: Settings) -> list[Account]:
    async with _desk(settings) as desk:
        return await desk.annotators()


async def _remove(settings: Settings, name: str) -> None:
    async with _desk(settings) as desk:
        await desk.remove_annotator(name)
