"""What ships: rungs that rise in size, and GGUF files that decide like their checkpoints."""

import math

import numpy as np
import pytest

from models.llama import gguf_of, open_decider
from models.prompt import render
from models.scoring import average_orders
from models.settings import DecideSettings
from models.tokens import encode
from retrain.checkpoint import STARTER_RUNGS, load_base, parameter_count, starter_adapter
from retrain.score import score
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item


def test_rungs_rise_in_size_and_carry_adapters() -> None:
    sizes = [parameter_count(load_base(f"starter-base-{rung}").model) for rung in STARTER_RUNGS]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] <= 3_000_000
    assert all(starter_adapter(f"starter-{rung}") is not None for rung in STARTER_RUNGS)


@pytest.mark.parametrize(("served", "rung", "tuned"), [("starter", "l", True), ("starter-base-m", "m", False)])
def test_the_gguf_decides_like_the_checkpoint(served: str, rung: str, tuned: bool) -> None:
    questions = [IS_QUESTION, NEEDS_CONTEXT]
    checkpoint = load_base(f"starter-base-{rung}", adapter=starter_adapter(f"starter-{rung}") if tuned else None)
    decider = open_decider(gguf_of(served), questions, DecideSettings())
    bursts = [make_item(n).burst for n in range(12)]
    prompts = [encode(render(b, questions, questions), checkpoint.tokenizer, 420) for b in bursts]
    logits = score(checkpoint, prompts)
    drifts = []
    for burst, prompt, rows in zip(bursts, prompts, logits, strict=True):
        orders = [b.order for b in prompt.branches[:3]]
        whole = average_orders([list(row) for row in rows[:3]], orders)
        quantized = decider.scores(burst)[0]
        drifts.append(max(abs(a - b) for a, b in zip(whole, quantized, strict=True)))
    decider.close()
    assert math.isfinite(max(drifts))
    assert np.median(drifts) < 0.05
