"""``quandary annotators``: who labels."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.queue_access import argilla_of
from labeling.accounts import Account, Role
from labeling.desk import Desk
from labeling.effect import Doubts, compare, told, work_of
from models.errors import LabelingError
from models.settings import Settings, load_settings
from models.store import decisions, learning, promotions, requests
from models.store.database import Database, open_database


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
        for line in _effect(db, name, datetime.now(UTC)):
            click.echo(line)


def _effect(db: Database, name: str | None, now: datetime) -> list[str]:
    responses = requests.all_responses(db)
    if name is not None and all(response.annotator != name for response in responses):
        raise LabelingError(f"nobody called {name} has answered anything yet")
    slots = promotions.slots(db)
    made = {candidate.id: candidate.created_at for candidate, _ in learning.candidates(db)}
    newest = slots[-1] if slots and slots[-1].candidate is not None else None
    learned_at = made.get(newest.candidate) if newest is not None and newest.candidate is not None else None
    rates = None
    if newest is not None:
        begin = slots[-2].since if len(slots) > 1 else datetime.fromtimestamp(0, UTC)
        rates = compare(_doubts(db, begin, newest.since), _doubts(db, newest.since, now))
    return told(work_of(name, responses, learned_at), rates, whose=f"{name}'s" if name else "everybody's")


def _doubts(db: Database, since: datetime, until: datetime) -> list[Doubts]:
    counted = decisions.doubts(db, since, until)
    return [Doubts(room=room, bursts=bursts, unsure=unsure) for room, (bursts, unsure) in counted.items()]


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
    async with argilla_of(settings) as (url, key), Desk(url, key, settings.questions) as desk:
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
