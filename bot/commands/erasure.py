"""``quandary erasure``: having a member forgotten, and proving it."""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bot.erasing import Eraser
from bot.erasure_report import report as gather
from bot.erasure_report import scan
from bot.queue_access import HOME, alias_key_in, argilla_of, argilla_runs
from labeling.desk import Desk
from labeling.outbox import Outbox
from models.erasure import TraceKind
from models.errors import InputError
from models.ids import ErasureId, MemberId, RoomId
from models.settings import Settings, load_settings
from models.store import erasure as erasing
from models.store import erasures, feedback
from models.store.database import Database, open_database, transaction
from models.store.thread import Store


@click.group()
def erasure() -> None:
    """Erase what members said, everywhere, and prove it."""


@erasure.command()
@click.argument("member")
@click.option("--room", help="Only what was said in this room.  [default: all rooms]")
@click.pass_obj
def forget(config: Path, member: str, room: str | None) -> None:
    """Erase all that MEMBER (the id that the platform gives them) said.

    With a running bot the rest follows within minutes; without one everything is done before this ends. An error ends
    it, and nothing is noted, where nothing is known of the member.
    """
    settings = load_settings(config)
    name, running = asyncio.run(_forget(settings, MemberId(member), None if room is None else RoomId(room)))
    click.echo(name)
    after = "; the running bot does the rest within minutes" if running else ""
    click.echo(f"erased{after}; `quandary erasure report {name}` shows what was touched and what is left", err=True)


@erasure.command()
@click.argument("name", metavar="ID")
@click.option("--scan", "scanned", is_flag=True, help="Read a text from standard input and look for it in every file.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def report(config: Path, name: str, *, scanned: bool, as_json: bool) -> None:
    """Follow the erasure ID through store, Argilla, datasets and models; ends with status 1 if anything is left.

    The report holds ids and counts, never text.
    """
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        found = gather(db, settings, ErasureId(name))
    if scanned:
        found["files_with_text"] = [str(path) for path in scan(settings.data_dir, sys.stdin.read())]
        found["clean"] = found["clean"] and not found["files_with_text"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)
    if not found["clean"]:
        raise click.exceptions.Exit(1)


@erasure.command(name="list")
@click.pass_obj
def list_all(config: Path) -> None:
    """List all erasures, oldest first."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        found = erasures.every(db)
        if not found:
            click.echo("nothing was erased yet")
        for one in found:
            state = "under way" if one.done_at is None else f"done {one.done_at:%Y-%m-%d %H:%M} UTC"
            click.echo(f"{one.id}  {one.at:%Y-%m-%d %H:%M} UTC  {one.kind.value}  {one.room or 'all rooms'}  {state}")


async def _forget(settings: Settings, member: MemberId, room: RoomId | None) -> tuple[ErasureId, bool]:
    """Erase, and finish it unless a bot that runs here will; returns the erasure and whether one does."""
    async with Store(settings.data_dir) as store:
        name = await store.do(_forget_all, member, room, datetime.now(UTC))
        running = await argilla_runs(settings)
        home = settings.data_dir / HOME
        if not running:
            await _take_back(settings, store)
            eraser = Eraser(store, settings.data_dir, argilla=None if settings.argilla.url is not None else home)
            await eraser.finish(settled=settings.argilla.url is None)
    return name, running


async def _take_back(settings: Settings, store: Store) -> None:
    """Delete the records in Argilla; nothing has to be started where there never was one."""
    waiting = await store.do(erasures.unsettled_requests)
    if not waiting:
        return
    if settings.argilla.url is None and not (settings.data_dir / HOME).exists():
        await store.do(erasures.settle_requests, waiting)
        return
    async with argilla_of(settings) as (url, key), Desk(url, key, settings.questions, settings.ask.language) as desk:
        alias_key = await asyncio.to_thread(alias_key_in, settings.data_dir)
        await Outbox(store, desk, settings.questions, alias_key=alias_key).take_back()


def _forget_all(db: Database, member: MemberId, room: RoomId | None, at: datetime) -> ErasureId:
    with transaction(db):
        name = erasing.forget_member(db, member, room, at)
        marks = feedback.forget(db, member, room)
        if not marks and not any(t.kind is not TraceKind.STEP for t in erasures.traces(db, name)):
            where = "in any room" if room is None else f"in the room {room!r}"
            raise InputError(
                f"nothing was erased: no message, window or feedback of the member {member!r} is kept {where}; give "
                "the id that the platform gives them, such as @ann:example.org"
            )
    return name


def _show(found: Mapping[str, Any]) -> None:
    said = click.echo
    state = f"done {found['done_at']}" if found["done_at"] else f"under way; left: {', '.join(found['left'])}"
    said(f"erasure {found['id']} ({found['kind']}) of {found['at']}, {found['room'] or 'all rooms'}: {state}")
    said("touched: " + ", ".join(f"{count} {what}" for what, count in found["touched"].items()))
    said("left in the database: " + ", ".join(f"{count} {what}" for what, count in found["remains"].items()))
    argilla = found["argilla"]
    said(
        f"Argilla: {argilla['deleted']} of {argilla['requests']} records deleted, {argilla['asked_anew']} asked anew"
        + ("" if argilla["records"] is None else f"; {argilla['records']} of the withdrawn ones stand there")
    )
    for dataset in found["datasets"]:
        verified = "its root is still its name" if dataset["verified"] else "NOT VERIFIED"
        said(
            f"dataset {dataset['id'][:16]}: {dataset.get('items', 0)} items taken out ({dataset.get('trained', 0)} "
            f"trained on), {dataset.get('tombstones', 0)} tombstones in all, {dataset['left']} left; {verified}"
        )
    for candidate in found["candidates"]:
        said(f"candidate {candidate['id']}: {candidate['state']}" + (" (it serves)" if candidate["serves"] else ""))
    for path in found.get("files_with_text", ()):
        said(f"the text stands in {path}")
    said("nothing is left" if found["clean"] else "SOMETHING IS LEFT")
