"""The folder that ships: rooms, sizes, hashes, and that every weight loads."""

import hashlib
import json

import pytest

from retrain.checkpoint import STARTER, STARTER_RUNGS, load_base, starter_adapter
from retrain.starter.card import HASHES, MANIFEST
from retrain.starter.corpus import BARRED

MEGABYTE = 1_000_000
DEMO_AND_DEV = {
    "ubuntu/2016-02-22_17",
    "ubuntu/2016-12-19_20",
    "rust/rust.1",
    "ubuntu/2009-03-03_10",
    "ubuntu/2012-11-30.train-a",
}


@pytest.fixture(scope="module")
def rooms():
    steps = json.loads((STARTER / MANIFEST).read_text(encoding="utf-8"))
    return {f"{step}/{stage}": set(names) for step, stages in steps.items() for stage, names in stages.items()}


def test_no_barred_room_was_trained_on(rooms):
    assert set(rooms) == {"starter-base/chat", "starter-base/public", "starter/gold", "starter/taught"}
    for names in rooms.values():
        assert names
        assert not names & DEMO_AND_DEV
    assert BARRED == DEMO_AND_DEV


def test_no_share_alike_set_was_trained_on(rooms):
    sources = {name.partition("/")[0].lower() for name in rooms["starter-base/public"]}
    assert sources <= {"molweni", "train", "valid", "test", "gecor", "cast", "followup"}


def test_the_base_step_has_seen_no_gold_file():
    told = json.loads((STARTER / "recipe.json").read_text(encoding="utf-8"))
    assert told["spent_cpu_s"]
    assert set(told["rungs"]) == set(STARTER_RUNGS)


def test_weights_are_small_enough_to_ship():
    sizes = {p: p.stat().st_size for p in STARTER.rglob("*") if p.suffix in {".safetensors", ".gguf"}}
    assert sum(sizes.values()) <= 24 * MEGABYTE
    assert max(sizes.values()) <= 15 * MEGABYTE


def test_hashes_are_those_of_the_files():
    told = json.loads((STARTER / HASHES).read_text(encoding="utf-8"))
    assert {"rooms.json", "tokenizer.json", "base/l/model.safetensors"} <= set(told)
    for name, digest in told.items():
        assert hashlib.sha256((STARTER / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("rung", STARTER_RUNGS)
def test_every_adapter_fits_its_base(rung):
    adapter = starter_adapter(f"starter-{rung}")
    assert adapter is not None
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == f"starter-{rung}"
    assert load_base(f"starter-{rung}", adapter=adapter).causal.config.vocab_size == 4096


def test_the_card_says_who_labelled():
    card = (STARTER / "README.md").read_text(encoding="utf-8")
    assert "language-model annotators" in card
    assert "not by people" in card
    assert "CC-BY-4.0" in card
