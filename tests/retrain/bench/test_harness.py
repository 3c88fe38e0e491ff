"""Our reading beside the harness's, which is in an extra that CI does not install: plain full passes stand in."""

import sys

import pytest
import torch

from models.errors import InputError
from models.prompt import LETTERS
from retrain.bench import harness
from retrain.checkpoint import Checkpoint, load_base
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


def full_passes(checkpoint: Checkpoint):
    """Every context by itself, all logits of the vocabulary: what a harness does, in its plainest form."""

    def evaluate(contexts, widths, _batch):
        rows = []
        for text, width in zip(contexts, widths, strict=True):
            ids = checkpoint.tokenizer.inner(text, add_special_tokens=False)["input_ids"]
            with torch.inference_mode():
                whole = checkpoint.causal(torch.tensor([ids])).logits[0, -1].double().log_softmax(-1)
            letters = [checkpoint.tokenizer.ids(letter, special=False)[0] for letter in LETTERS[:width]]
            rows.append((whole[letters] - whole[letters].logsumexp(0)).tolist())
        return rows

    return evaluate


def test_shared_reading_chooses_as_full_passes_do(checkpoint, monkeypatch):
    monkeypatch.setattr(harness, "_harness", full_passes)
    items = [make_item(number) for number in range(6)]
    found = harness.compare(load_base(checkpoint), items, QUESTIONS, budget=400, rounds=2)
    assert found.rows == 6 * 2 * 3
    assert found.same_tokens == 1.0
    assert found.same_choices == 1.0
    assert found.largest_gap < 1e-4
    assert {len(arm.seconds) for arm in found.arms} == {2}
    apart = found.arm(harness.APART).chosen
    assert [max(range(3), key=row.__getitem__) for row in apart] == [
        max(range(3), key=row.__getitem__) for row in found.arm(harness.OURS).chosen
    ]


def test_a_reading_that_differs_is_told(checkpoint, monkeypatch):
    def wrong(checkpoint):
        return lambda contexts, widths, batch: [row[::-1] for row in full_passes(checkpoint)(contexts, widths, batch)]

    monkeypatch.setattr(harness, "_harness", wrong)
    items = [make_item(number) for number in range(6)]
    found = harness.compare(load_base(checkpoint), items, QUESTIONS, budget=400, rounds=1)
    assert found.largest_gap > 1e-3


def test_a_missing_harness_is_one_sentence(checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval.api.instance", None)
    with pytest.raises(InputError, match=r"quandary\[bench\]"):
        harness.compare(load_base(checkpoint), [make_item(0)], QUESTIONS, budget=400, rounds=1)
