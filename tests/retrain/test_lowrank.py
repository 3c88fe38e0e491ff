"""Cutting what training changed to the rank of an adapter."""

from typing import Any

import pytest
import torch
from torch import Tensor

from models.errors import TrainingError
from models.prompt import render
from models.settings import TrainSettings
from models.tokens import EncodedPrompt, encode
from retrain.checkpoint import Checkpoint, load_base
from retrain.lowrank import extract_adapter, second_moments
from retrain.score import score
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


def prompts(checkpoint: Checkpoint) -> list[EncodedPrompt]:
    bursts = [make_item(n).burst for n in range(24)]
    return [encode(render(burst, QUESTIONS, QUESTIONS), checkpoint.tokenizer, 200) for burst in bursts]


def changed(checkpoint: Checkpoint, size: float) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: weight + size * torch.randn(weight.shape, generator=generator) * weight.std()
        if name.endswith("proj.weight")
        else weight.clone()
        for name, weight in checkpoint.causal.state_dict().items()
    }


def cut(rank: int, *, measured: bool) -> tuple[list[list[list[float]]], list[list[list[float]]], float]:
    """The option letters' logits of the weights after a change, those of the adapter, and what was kept."""
    checkpoint = load_base("starter-base-xs")
    before = {name: weight.clone() for name, weight in checkpoint.causal.state_dict().items()}
    tuned = changed(checkpoint, 0.3)
    asked = prompts(checkpoint)
    checkpoint.causal.load_state_dict(tuned)
    wanted = score(checkpoint, asked)
    moments = second_moments(checkpoint, asked) if measured else {}
    checkpoint.causal.load_state_dict(before)
    _, kept = extract_adapter(checkpoint, tuned, TrainSettings(rank=rank, alpha=rank, dropout=0.0), moments)
    return wanted, score(checkpoint, asked), kept


def distance(one: Any, other: Any) -> float:
    return float((torch.tensor(one).flatten() - torch.tensor(other).flatten()).pow(2).mean().sqrt())


def test_a_whole_rank_keeps_everything() -> None:
    wanted, found, kept = cut(64, measured=True)
    assert kept == pytest.approx(1.0, abs=1e-6)
    assert distance(wanted, found) < 1e-3


def test_a_cut_that_knows_the_inputs_stays_nearer_in_what_the_model_says() -> None:
    wanted, blind, _ = cut(8, measured=False)
    _, knowing, kept = cut(8, measured=True)
    assert distance(wanted, knowing) < 0.85 * distance(wanted, blind)
    assert 0.5 < kept < 1.0


def test_a_change_outside_the_linear_layers_is_refused() -> None:
    checkpoint = load_base("starter-base-xs")
    tuned = {name: weight.clone() for name, weight in checkpoint.causal.state_dict().items()}
    tuned["model.norm.weight"] += 1.0
    with pytest.raises(TrainingError, match=r"model\.norm\.weight"):
        extract_adapter(checkpoint, tuned, TrainSettings(rank=4, alpha=4, dropout=0.0), {})
