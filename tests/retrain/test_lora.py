import json
import resource
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from models.errors import ExportError, TrainingError
from models.prompt import render
from models.settings import TrainSettings
from models.tokens import encode
from retrain.checkpoint import load_base
from retrain.fit import STATE, schedule
from retrain.lora import LOSSES, merge, train_adapter
from retrain.score import score
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)
SETTINGS = TrainSettings(rank=4, alpha=8, learning_rate=1e-2, plus_ratio=4.0, epochs=6, batch=8, warmup_steps=2)
ITEMS = [make_item(i) for i in range(24)]


class KilledError(Exception):
    pass


def train(checkpoint, folder, *, settings=SETTINGS, items=ITEMS, progress=None, weighted=False):
    return train_adapter(
        checkpoint,
        items,
        QUESTIONS,
        settings,
        out=folder / "adapter",
        work=folder / "work",
        budget=700,
        weighted=weighted,
        progress=progress,
    )


@pytest.fixture(scope="module")
def trained(checkpoint, tmp_path_factory):
    return train(checkpoint, tmp_path_factory.mktemp("trained"))


def weights(adapter):
    return load_file(adapter / "adapter_model.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_training_lowers_the_loss(trained):
    losses = json.loads((trained / LOSSES).read_text())
    assert len(losses) == 18
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])


def test_the_adapter_is_small_safe_and_names_its_base(trained, checkpoint):
    names = sorted(p.name for p in trained.iterdir())
    assert names == ["adapter_config.json", "adapter_model.safetensors", LOSSES]
    assert json.loads((trained / "adapter_config.json").read_text())["base_model_name_or_path"] == str(checkpoint)
    touched = {name.split(".")[-3] for name in weights(trained)}
    assert touched == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert not (trained.parent / "work").exists()


def test_a_killed_run_goes_on_to_the_same_adapter(checkpoint, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("retrain.fit.SAVE_AFTER_S", 0.0)

    def kill(step, steps, loss):
        if step == 7:
            raise KilledError

    with pytest.raises(KilledError):
        train(checkpoint, tmp_path, progress=kill)
    assert (tmp_path / "work" / STATE).exists()
    steps = []
    adapter = train(checkpoint, tmp_path, progress=lambda step, *_: steps.append(step))
    assert steps[0] == 8
    assert same(weights(adapter), weights(trained))


def test_a_run_that_the_kernel_killed_goes_on_to_the_same_adapter(checkpoint, trained, tmp_path):
    told = """
import sys
from pathlib import Path
import retrain.fit
from tests.retrain.test_lora import train
retrain.fit.SAVE_AFTER_S = 0.0
train(Path(sys.argv[1]), Path(sys.argv[2]), progress=lambda step, *_: print(step, flush=True) or sys.stdin.readline())
"""
    command = [sys.executable, "-c", told, str(checkpoint), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        for step in range(1, 6):  # every step waits for a line, so the kill falls between the fifth and the sixth
            assert running.stdout.readline().strip() == str(step)
            if step < 5:
                running.stdin.write("\n")
                running.stdin.flush()
        running.kill()
    assert running.returncode == -signal.SIGKILL
    assert not (tmp_path / "adapter").exists()
    steps = []
    adapter = train(checkpoint, tmp_path, progress=lambda step, *_: steps.append(step))
    assert steps[0] == 6
    # Not to the last digit: the killed process may have had other threads than this one, whose sums round otherwise.
    resumed, whole = weights(adapter), weights(trained)
    assert resumed.keys() == whole.keys()
    assert all(torch.allclose(resumed[k], whole[k], rtol=0, atol=1e-4) for k in whole)


def test_too_little_memory_is_said_with_what_to_do(checkpoint, tmp_path, monkeypatch):
    def crowded(*_arguments):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")

    monkeypatch.setattr("retrain.fit.letter_logits", crowded)
    with pytest.raises(TrainingError, match=r"batches of 8; lower train\.batch"):
        train(checkpoint, tmp_path)


def test_another_seed_gives_another_adapter(checkpoint, trained, tmp_path):
    other = train(checkpoint, tmp_path, settings=SETTINGS.model_copy(update={"seed": 1, "epochs": 1}))
    assert not same(weights(other), weights(trained))


def test_the_state_of_other_items_is_not_resumed(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("retrain.fit.SAVE_AFTER_S", 0.0)

    def kill(step, steps, loss):
        raise KilledError

    with pytest.raises(KilledError):
        train(checkpoint, tmp_path, progress=kill)
    steps = []
    one = SETTINGS.model_copy(update={"epochs": 1})
    train(checkpoint, tmp_path, settings=one, items=ITEMS[:16], progress=lambda step, *_: steps.append(step))
    assert steps == [1, 2]


def test_weights_count_when_asked(checkpoint, tmp_path):
    heavy = [replace(item, weight=50.0 if i % 2 else 1.0) for i, item in enumerate(ITEMS[:8])]
    one = SETTINGS.model_copy(update={"epochs": 1})
    plain = train(checkpoint, tmp_path / "plain", settings=one, items=heavy)
    weighted = train(checkpoint, tmp_path / "weighted", settings=one, items=heavy, weighted=True)
    assert json.loads((plain / LOSSES).read_text()) != json.loads((weighted / LOSSES).read_text())


def test_a_merged_checkpoint_says_what_base_and_adapter_say(checkpoint, trained, tmp_path):
    with_adapter = load_base(checkpoint, adapter=trained)
    merged = load_base(merge(checkpoint, trained, tmp_path / "merged"))
    prompts = [encode(render(ITEMS[0].burst, QUESTIONS, QUESTIONS), merged.tokenizer, 700)]
    # the merged weights are kept in full precision
    assert torch.allclose(torch.tensor(score(merged, prompts)), torch.tensor(score(with_adapter, prompts)), atol=1e-3)
    assert not torch.allclose(
        torch.tensor(score(merged, prompts)), torch.tensor(score(load_base(checkpoint), prompts)), atol=1e-2
    )


def test_items_without_answers_are_too_few(checkpoint, tmp_path):
    with pytest.raises(TrainingError, match="nothing to train on"):
        train(checkpoint, tmp_path, items=[replace(ITEMS[0], answers={})])


def test_the_learning_rate_rises_then_falls():
    factors = [schedule(step, 100, 10) for step in range(100)]
    assert factors[:11] == sorted(factors[:11])
    assert factors[10] == 1.0
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[-1] < 0.01
    assert schedule(0, 5, 10) == 1.0  # a run of a few steps is not all warm-up


def test_a_full_disk_ends_training_in_order(checkpoint, tmp_path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # as a disk that has 20 kB left
    try:
        with pytest.raises(ExportError, match=r"could not write the training state .* make room on the disk"):
            train(checkpoint, tmp_path, settings=SETTINGS.model_copy(update={"epochs": 1}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "work").iterdir()) == []
    assert not (tmp_path / "adapter").exists()
