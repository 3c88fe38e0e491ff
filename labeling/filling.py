"""Fill an embedded Argilla at rest with made-up records, for measurements: its API takes minutes for thousands."""

import json
import random
import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

from labeling.similarity import text_vector

_WINDOW = 4


def fill(home: Path, texts: Sequence[str], *, count: int, seed: int) -> None:
    """Add ``count`` records to the newest dataset of a stopped server, each made after one that is there already.

    Window and text are drawn from ``texts``; suggestions get a score of their own. The server indexes what is new at
    its next start. Raises ValueError where there is no record to follow.
    """
    vector_of = {text: json.dumps(text_vector(text)) for text in set(texts)}
    draw = random.Random(seed)  # noqa: S311 - made-up chat, no secret
    with closing(sqlite3.connect(home / "argilla.db")) as db, db:
        db.row_factory = sqlite3.Row
        newest = "SELECT id FROM datasets ORDER BY inserted_at DESC LIMIT 1"
        model = db.execute(f"SELECT * FROM records WHERE dataset_id = ({newest}) LIMIT 1").fetchone()
        if model is None:
            raise ValueError(f"{home} holds no record to follow")
        suggestions = _belonging(db, "suggestions", model)
        vectors = _belonging(db, "vectors", model)
        for number in range(count):
            text = draw.choice(texts)
            window = "\n".join(f"Otter: {draw.choice(texts)}" for _ in range(_WINDOW))
            fields = {"burst": [{"role": "Wren", "content": _escaped(text)}], "window": _escaped(window)}
            record = {
                "id": uuid.uuid4().hex,
                "external_id": f"made-{seed}-{number}",
                "fields": json.dumps(fields),
                "metadata": json.dumps({"room": f"room-{draw.randrange(50)}", "request": f"made-{seed}-{number}"}),
            }
            _insert(db, "records", model, record)
            own = {"record_id": record["id"]}
            for row in suggestions:
                score = {"score": json.dumps(round(draw.random(), 4))}
                _insert(db, "suggestions", row, own | score | {"id": uuid.uuid4().hex})
            for row in vectors:
                _insert(db, "vectors", row, own | {"value": vector_of[text], "id": uuid.uuid4().hex})


def _belonging(db: sqlite3.Connection, table: str, record: sqlite3.Row) -> list[sqlite3.Row]:
    return db.execute(f"SELECT * FROM {table} WHERE record_id = ?", (record["id"],)).fetchall()


def _insert(db: sqlite3.Connection, table: str, model: sqlite3.Row, changed: dict[str, Any]) -> None:
    row = dict(model) | changed
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def _escaped(text: str) -> str:
    return escape(text, quote=False)  # as the queue's own records are
