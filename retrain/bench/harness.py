"""Reading a rung as lm-evaluation-harness does, beside our way, on the same prompts: seconds, and the same choices.

The harness (Gao et al., https://github.com/EleutherAI/lm-evaluation-harness) reads every context by itself; ours reads
the preamble once for all and a burst once for all of its branches, and multiplies only the letters' rows of the head.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.errors import InputError
from models.item import Item
from models.prompt import LETTERS, render
from models.question import Question
from models.tokens import EncodedPrompt, encode
from retrain.checkpoint import Checkpoint
from retrain.score import score

HARNESS, OURS, APART = "lm-evaluation-harness", "ours", "ours, a branch at a time"
BATCHES = (8, 32, 64)
"""The harness is given each, and its best counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of reading: seconds of each round, and log-probabilities (nats) over the letters, [row][letter]."""

    name: str
    seconds: tuple[float, ...]
    chosen: tuple[tuple[float, ...], ...]

    @property
    def best_s(self) -> float:
        """The fastest round."""
        return min(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All arms on the same ``rows``: one for each burst, question and order of the options.

    ``same_choices`` is the share of rows on which harness and ours choose the same letter, ``largest_gap`` the greatest
    difference in a letter's log-probability (nats), and ``same_tokens`` the share of contexts that the harness, which
    gets text, cuts into the tokens that we read.
    """

    rung: str
    bursts: int
    rows: int
    arms: tuple[Arm, ...]
    same_choices: float
    largest_gap: float
    same_tokens: float

    @property
    def speed(self) -> float:
        """How many times as fast ours is as the harness's best."""
        return min(a.best_s for a in self.arms if a.name.startswith(HARNESS)) / self.arm(OURS).best_s

    def arm(self, name: str) -> Arm:
        """Find an arm by its name."""
        return next(arm for arm in self.arms if arm.name == name)


def compare(
    checkpoint: Checkpoint, items: Sequence[Item], questions: Sequence[Question], *, budget: int, rounds: int
) -> Comparison:
    """Read items in every order of the options of every question, by all arms in turn, ``rounds`` times.

    Raises InputError where the harness is not installed.
    """
    evaluate = _harness(checkpoint)
    whole = [encode(render(item.burst, questions, questions), checkpoint.tokenizer, budget) for item in items]
    meant = [[*p.preamble, *p.chat, *b.ids] for p in whole for b in p.branches]
    contexts = [str(checkpoint.tokenizer.inner.decode(ids, clean_up_tokenization_spaces=False)) for ids in meant]
    kept = [checkpoint.tokenizer.inner(text, add_special_tokens=False)["input_ids"] for text in contexts]
    widths = [len(b.letters) for p in whole for b in p.branches]
    ways: dict[str, Callable[[], list[list[float]]]] = {
        f"{HARNESS}, batches of {size}": lambda size=size: evaluate(contexts, widths, size)  # type: ignore[misc]  # bound now
        for size in BATCHES
    }
    ways[OURS] = lambda: _ours(checkpoint, items, questions, budget)
    ways[APART] = lambda: _letters(score(checkpoint, _apart(whole)))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, list[list[float]]] = {}
    for _ in range(rounds):
        for name, read in ways.items():
            begun = time.perf_counter()
            found[name] = read()
            seconds[name].append(time.perf_counter() - begun)
    theirs, ours = found[next(iter(ways))], found[OURS]
    return Comparison(
        rung=checkpoint.name,
        bursts=len(items),
        rows=len(contexts),
        arms=tuple(
            Arm(name=name, seconds=tuple(seconds[name]), chosen=tuple(map(tuple, found[name]))) for name in ways
        ),
        same_choices=float(np.mean([np.argmax(a) == np.argmax(b) for a, b in zip(theirs, ours, strict=True)])),
        largest_gap=max(float(np.abs(np.subtract(a, b)).max()) for a, b in zip(theirs, ours, strict=True)),
        same_tokens=float(np.mean([list(a) == b for a, b in zip(kept, meant, strict=True)])),
    )


def _ours(
    checkpoint: Checkpoint, items: Sequence[Item], questions: Sequence[Question], budget: int
) -> list[list[float]]:
    """From bursts on: rendering and tokenizing are part of the time, as they are in the harness."""
    prompts = [encode(render(item.burst, questions, questions), checkpoint.tokenizer, budget) for item in items]
    return _letters(score(checkpoint, prompts))


def _letters(logits: Sequence[Sequence[Sequence[float]]]) -> list[list[float]]:
    return [_normal(row) for prompt in logits for row in prompt]


def _normal(row: Sequence[float]) -> list[float]:
    values = np.asarray(row, dtype=np.float64)
    normal: list[float] = (values - np.logaddexp.reduce(values)).tolist()
    return normal


def _apart(prompts: Sequence[EncodedPrompt]) -> list[EncodedPrompt]:
    return [replace(prompt, branches=(branch,)) for prompt in prompts for branch in prompt.branches]


def _harness(checkpoint: Checkpoint) -> Callable[[Sequence[str], Sequence[int], int], list[list[float]]]:
    """The harness's own reading of a task of multiple choice: one request for each context and letter.

    Its set-up (tasks, look-ups on the hub, samples written) is left out of the time: it would be most of it.
    """
    try:
        from lm_eval.api.instance import Instance  # noqa: PLC0415 - in an extra of its own, which few install
        from lm_eval.models.huggingface import HFLM  # noqa: PLC0415
    except ImportError as error:
        raise InputError(f"lm-evaluation-harness is not installed ({error}); pip install 'quandary[bench]'") from error

    inner = checkpoint.tokenizer.inner
    with _quiet():
        models: dict[int, Any] = {
            size: HFLM(pretrained=checkpoint.causal, tokenizer=inner, batch_size=size, device="cpu") for size in BATCHES
        }

    def evaluate(contexts: Sequence[str], widths: Sequence[int], batch: int) -> list[list[float]]:
        requests = [
            Instance(request_type="loglikelihood", doc={}, arguments=(text, letter), idx=place)
            for text, width in zip(contexts, widths, strict=True)
            for place, letter in enumerate(LETTERS[:width])
        ]
        with _quiet():
            said = iter(models[batch].loglikelihood(requests, disable_tqdm=True))
        return [_normal([float(next(said)[0]) for _ in range(width)]) for width in widths]

    return evaluate


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the harness's warnings out of figures on standard output."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
