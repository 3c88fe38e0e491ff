"""The paper's own tables, as it prints them: what ours stand beside."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from retrain.sweep.point import Figure, Point
from retrain.sweep.setting import TABLES, VANILLA, Setting

QUESTION = "needs_context"
"""The question that the paper's labels answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Figures between 0 and 1, and where they stand."""

    title: str
    author: str
    year: int
    url: str
    points: dict[str, tuple[Point, ...]]
    """By table."""


@cache
def paper() -> Paper:
    """Read the shipped figures."""
    tables = tomllib.loads(Path(__file__).with_name("paper.toml").read_text(encoding="utf-8"))
    points: dict[str, list[Point]] = {name: [] for name in TABLES}
    for row in tables["point"]:
        method = row.get("method", "vanilla")
        point = Point(
            rung=row["rung"],
            parameters=int(row["parameters"]),
            setting=VANILLA
            if method == "vanilla"
            else Setting(
                method=method,
                rank=row.get("rank", 64),
                alpha=16,
                learning_rate=row.get("learning_rate", 2e-4),
                ratio=16.0 if method == "lora+" else 1.0,
                epochs=row.get("epochs", 1),
            ),
            figures={name: _printed(row[name]) for name in ("precision", "f1") if name in row},
        )
        for name in row["tables"]:
            points[name].append(point)
    return Paper(
        title=tables["title"],
        author=tables["author"],
        year=tables["year"],
        url=tables["url"],
        points={name: tuple(found) for name, found in points.items()},
    )


def _printed(percent: float) -> Figure:
    value = percent / 100
    return Figure(value=value, low=value, high=value)
