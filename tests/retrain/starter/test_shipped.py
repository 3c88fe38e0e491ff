"""What ships: honest about what it has seen, whole, small enough, and rising in size."""

import hashlib
import json
import math

import numpy as np
import pytest

from models.llama import gguf_of, open_decider
from models.prompt import render
from models.scoring import average_orders
from models.settings import DecideSettings
from models.tokens import encode
from retrain.checkpoint import STARTER, STARTER_RUNGS, load_base, parameter_count, starter_adapter
from retrain.score import score
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

# Demo and dev rooms, as the data's README names them.
BARRED = {
    "ubuntu/2016-02-22_17",
    "ubuntu/2016-12-19_20",
    "rust/rust.1",
    "ubuntu/2009-03-03_10",
    "ubuntu/2012-11-30.train-a",
}
MEGABYTE = 1_000_000


def manifest() -> dict[str, dict[str, list[str]]]:
    return json.loads((STARTER / "rooms.json").read_text())


def test_no_barred_room_was_trained_on() -> None:
    seen = {room for step in manifest().values() for rooms in step.values() for room in rooms}
    assert len(seen) > 500
    assert not seen & BARRED
    assert not [room for room in seen if "canard" in room.lower()]


def test_the_base_has_seen_no_gold_label() -> None:
    assert set(manifest()) == {"starter-base", "starter"}
    assert set(manifest()["starter-base"]) == {"chat", "public"}
    assert set(manifest()["starter"]) == {"gold"}


def test_weights_are_small_enough() -> None:
    weights = [p for p in STARTER.rglob("*") if p.suffix in {".safetensors", ".gguf"}]
    assert sum(p.stat().st_size for p in weights) <= 24 * MEGABYTE
    assert max(p.stat().st_size for p in weights) <= 15 * MEGABYTE


def test_every_file_is_the_one_that_was_made() -> None:
    told = json.loads((STARTER / "hashes.json").read_text())
    found = {
        p.relative_to(STARTER).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in STARTER.rglob("*")
        if p.is_file() and p.name != "hashes.json"
    }
    assert found == told


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
