"""Argilla's database: how it is opened, brought up to date, and given its owner."""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import alembic.config
from alembic.script import ScriptDirectory
from argilla_server.contexts import accounts
from argilla_server.database import ALEMBIC_CONFIG_FILE, AsyncSessionLocal, async_engine
from argilla_server.models import User, UserRole
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from labeling.server.secret_files import Credentials

FILE = "argilla.db"
_INDEXES = (
    "quandary_records_listed ON records (dataset_id, status, inserted_at, id)",  # lists, progress
    "quandary_suggestions_scored ON suggestions (question_id, record_id, score, agent)",  # filters
)


def harden_connections() -> None:
    """Open every connection with a write-ahead log, overwrite what is deleted, and keep text out of error messages."""
    async_engine.sync_engine.hide_parameters = True  # they would go to the log, where nobody erases them

    @event.listens_for(Engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA secure_delete = ON")
        # Twice as fast as FULL. A power cut may cost the last moments; the file stays whole, and a killed process loses
        # nothing.
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.close()


def migrate(home: Path) -> None:
    """Bring the database to the newest layout; costs nothing where it has it already."""
    newest = ScriptDirectory.from_config(alembic.config.Config(ALEMBIC_CONFIG_FILE)).get_current_head()
    if _layout(home / FILE) == newest:
        return
    enabled = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    alembic.config.main(argv=["--raiseerr", "-c", os.fspath(ALEMBIC_CONFIG_FILE), "upgrade", "head"])
    for logger in enabled:
        logger.disabled = False  # Argilla's alembic.ini switches off every logger that exists


async def ensure_indexes() -> None:
    """Add what lists and filters need: without them every page turned reads all records with their texts."""
    async with async_engine.begin() as connection:
        for index in _INDEXES:
            await connection.execute(text(f"CREATE INDEX IF NOT EXISTS {index}"))
        await connection.execute(text("PRAGMA optimize"))


async def ensure_owner(credentials: Credentials) -> None:
    """Give the owner the login of the credentials file, creating or correcting it; no default login ever exists."""
    async with AsyncSessionLocal() as session:
        owner = await User.get_by(session, username=credentials.username)
        if owner is None:
            await User.create(
                session,
                first_name="Owner",
                username=credentials.username,
                role=UserRole.owner,
                api_key=credentials.api_key,
                password_hash=accounts.hash_password(credentials.password),
            )
        elif owner.api_key != credentials.api_key:
            password = accounts.hash_password(credentials.password)
            await owner.update(session, api_key=credentials.api_key, password_hash=password)


def _layout(path: Path) -> str | None:
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as db:
        try:
            row = db.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None  # a database without tables: the very first start was interrupted
    return str(row[0]) if row else None
