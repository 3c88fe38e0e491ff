"""Made-up points and runs for the tests of sweeps."""

from collections.abc import Sequence

import numpy as np

from models.metrics import Floats
from retrain.sweep.point import Counts, Floor, Point, figures
from retrain.sweep.setting import VANILLA, Setting

LORA = Setting(method="lora", rank=8, alpha=16, learning_rate=1e-3, ratio=1.0, epochs=2)


def cells(right: Sequence[float], rooms: int, *, rows: int = 40, noise: int = 0, seed: int = 0) -> Floats:
    """Confusion weights [seeds, rooms, 4] of a balanced question with shares ``right`` of right answers."""
    rng = np.random.default_rng(seed)
    hard = rng.integers(-noise, noise + 1, size=rooms) if noise else np.zeros(rooms, dtype=np.int64)
    found = np.zeros((len(right), rooms, 4))
    for place, share in enumerate(right):
        hits = np.clip(np.round(share * rows) + hard, 0, rows)
        found[place] = np.stack([hits, rows - hits, rows - hits, hits], axis=1)
    return found


def counted_of(found: Floats, gold: Floats | float = -0.5) -> Counts:
    """Counts of these cells; ``gold`` is the mean log-probability of the label, of every room or of all."""
    seeds, rooms, _ = found.shape
    mass = np.full(rooms, 40.0)
    return Counts(seeds=tuple(range(seeds)), cells=found, gold=np.broadcast_to(gold * mass, (seeds, rooms)), mass=mass)


def made(
    rung: str,
    size: int,
    setting: Setting,
    right: Sequence[float],
    *,
    rooms: int = 20,
    noise: int = 0,
    gold: float = -0.5,
) -> Point:
    """A point whose seeds are right about so many rows of every room."""
    means = gold + 0.01 * np.random.default_rng(size).standard_normal((1, rooms))
    counted = counted_of(cells(right, rooms, noise=noise), means)
    return Point(
        rung=rung,
        parameters=size,
        setting=setting,
        figures=figures(counted, draws=400),
        counts=counted,
        rows=rooms * 40,
        floor=Floor(f1=2 / 3, log_p=float(np.log(0.5))),
    )


def ladder(setting: Setting, shares: Sequence[float], golds: Sequence[float] | None = None) -> list[Point]:
    """Rungs a, b, c ... with two seeds each (vanilla: one)."""
    seeds = 1 if setting == VANILLA else 2
    return [
        made(name, 10**place, setting, [share] * seeds, gold=golds[place] if golds else -0.5)
        for place, (name, share) in enumerate(zip("abcdef", shares, strict=False))
    ]
