"""How one run of a sweep trains, and which run that is. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from models.item import Item
from models.question import Question, versions

TABLES = ("ladder", "rates", "ranks", "plus")
"""What the paper tabulates: sizes vanilla and tuned; then, on its 4B model, learning rates, ranks, LoRA+ epochs."""
Method = Literal["vanilla", "lora", "lora+"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A method with its hyperparameters; those that a method does not have are 0.

    ``ratio`` is how many times as fast LoRA's matrix B learns as A: 1 for plain LoRA.
    """

    method: Method
    rank: int = 0
    alpha: int = 0
    learning_rate: float = 0.0
    ratio: float = 0.0
    epochs: int = 0

    def train_values(self) -> dict[str, float]:
        """What a training run's settings take from here; a vanilla rung trains nothing."""
        if self.method == "vanilla":
            return {}
        return {
            "rank": self.rank,
            "alpha": self.alpha,
            "learning_rate": self.learning_rate,
            "plus_ratio": self.ratio,
            "epochs": self.epochs,
        }

    def __str__(self) -> str:
        """As a reader of a table wants it."""
        if self.method == "vanilla":
            return "vanilla"
        name = "LoRA" if self.method == "lora" else f"LoRA+ ({self.ratio:g})"
        return f"{name}, r {self.rank}, alpha {self.alpha}, {short(self.learning_rate)}, {told_epochs(self.epochs)}"


VANILLA = Setting(method="vanilla")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training and reading: what a child process does."""

    rung: str
    setting: Setting
    seed: int

    def __str__(self) -> str:
        """As a progress line names it."""
        seed = "" if self.setting == VANILLA else f", seed {self.seed}"
        return f"{self.rung}, {self.setting}{seed}"


def short(rate: float) -> str:
    """A learning rate as people write it: 2e-4."""
    mantissa, exponent = f"{rate:.2e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def told_epochs(count: int) -> str:
    """A number of epochs in words."""
    return "1 epoch" if count == 1 else f"{count} epochs"


def rows_digest(items: Sequence[Item]) -> str:
    """SHA-256 of all that a run sees of labelled rows: texts, windows, answers, weights, conversations."""
    digest = hashlib.sha256()
    for item in items:
        window = [(m.sender, m.text) for m in item.burst.window]
        row = [item.burst.id, item.burst.text, window, sorted(item.answers.items()), item.weight, item.conversation]
        digest.update(json.dumps(row).encode("ascii") + b"\n")
    return digest.hexdigest()


def run_key(
    run: Run, *, weights: str, rows: Sequence[str], questions: Sequence[Question], shared: Sequence[int | float]
) -> str:
    """Hash (16 hex digits) of everything that decides what a run finds.

    ``weights`` is a hash of the base, ``rows`` are those of training and test rows, ``shared`` what all runs share
    (batch, warm-up, dropout, longest prompt).
    """
    told = [weights, list(rows), versions(questions), asdict(run.setting), run.seed, list(shared)]
    return hashlib.sha256(json.dumps(told).encode("ascii")).hexdigest()[:16]
