from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from torch.nn.functional import linear
from torch.testing import assert_close
from transformers import AutoModelForCausalLM

from retrain.lean_linear import LeanLinear, drawn, lean_linear, stay_rate

IDS = torch.arange(24).reshape(2, 12) + 3


def adapted(base: Path, rate: float, *, lean: bool) -> PeftModel:
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=rate, target_modules="all-linear", task_type="CAUSAL_LM")
    if lean:
        config._register_custom_module({nn.Linear: LeanLinear})
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), config)
    assert sum(isinstance(m, LeanLinear) for m in model.modules()) == (2 * 7 if lean else 0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero as peft makes it, which would hide the adapter
            nn.init.normal_(parameter, std=0.2)
    return model


def kept(model: nn.Module) -> int:
    """Bytes that autograd keeps for one backward pass, weights apart."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    found: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = model(IDS).logits.sum()
    assert loss.requires_grad
    return sum(found.values())


def plain(x, weight, bias, a, b, stays, share, scaling):
    dropped = x if stays is None else x * stays / share
    return linear(x, weight, bias) + linear(linear(dropped, a), b) * scaling


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 3),
    length=st.integers(1, 5),
    width=st.integers(1, 9),
    rank=st.integers(1, 4),
    out=st.integers(1, 7),
    rate=st.floats(0.0, 0.95),
    biased=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_output_and_gradients_are_those_of_dropout_and_plain_products(
    rows, length, width, rank, out, rate, biased, seed
) -> None:
    torch.manual_seed(seed)

    def fresh(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64)

    learning = [t.requires_grad_() for t in (fresh(rows, length, width), fresh(rank, width), fresh(out, rank))]
    x, a, b = learning
    stays = drawn(x.shape, rate, x.device) if rate else None
    told = (x, fresh(out, width), fresh(out) if biased else None, a, b, stays, stay_rate(rate), 0.25)
    pull = fresh(rows, length, out)
    wanted = torch.autograd.grad((plain(*told) * pull).sum(), learning)
    assert_close(lean_linear(*told), plain(*told))
    for found, right in zip(torch.autograd.grad((lean_linear(*told) * pull).sum(), learning), wanted, strict=True):
        assert_close(found, right)


@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_as_many_values_stay_as_told_and_each_draw_is_another(rate: float) -> None:
    torch.manual_seed(3)
    shape = torch.Size((401, 501))
    first, second = drawn(shape, rate, torch.device("cpu")), drawn(shape, rate, torch.device("cpu"))
    spread = (rate * (1 - rate) / shape.numel()) ** 0.5
    assert abs(first.double().mean().item() - (1 - rate)) < 5 * spread
    both = (first & second).double().mean().item()
    assert abs(both - (1 - rate) ** 2) < 0.01
    torch.manual_seed(3)
    assert torch.equal(first, drawn(shape, rate, torch.device("cpu")))


def test_an_adapter_answers_merges_and_is_named_as_peft_does(checkpoint: Path) -> None:
    theirs, ours = (adapted(checkpoint, 0.3, lean=lean) for lean in (False, True))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    before = theirs.eval()(IDS).logits
    assert_close(ours.eval()(IDS).logits, before, rtol=0, atol=0)
    assert not torch.allclose(ours.train()(IDS).logits, before), "in training values are dropped"
    with ours.disable_adapter(), theirs.disable_adapter():
        assert_close(ours(IDS).logits, theirs(IDS).logits)
    assert_close(ours.eval().merge_and_unload()(IDS).logits, before, rtol=1e-4, atol=1e-4)


def test_without_dropout_a_model_learns_what_peft_teaches_it(checkpoint: Path) -> None:
    theirs, ours = (adapted(checkpoint, 0.0, lean=lean).train() for lean in (False, True))
    ours.load_state_dict(theirs.state_dict())
    for model in (theirs, ours):
        model(IDS).logits.square().mean().backward()
    wanted, found = ({n: p.grad for n, p in m.named_parameters() if p.requires_grad} for m in (theirs, ours))
    assert_close(found, wanted)


def test_with_dropout_a_model_learns_what_plain_products_teach_it(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = adapted(checkpoint, 0.2, lean=True).train()
    learning = [p for p in model.parameters() if p.requires_grad]

    def gradients() -> tuple[torch.Tensor, ...]:
        torch.manual_seed(5)
        return torch.autograd.grad(model(IDS).logits.square().mean(), learning)

    ours = gradients()
    monkeypatch.setattr("retrain.lean_linear.lean_linear", plain)
    assert_close(ours, gradients())


def test_a_step_keeps_less(checkpoint: Path) -> None:
    theirs, ours = (kept(adapted(checkpoint, 0.05, lean=lean).train()) for lean in (False, True))
    assert ours < 0.8 * theirs


def test_half_precision_is_used_where_autocast_says(checkpoint: Path) -> None:
    model = adapted(checkpoint, 0.05, lean=True).train()
    layer = next(m for m in model.modules() if isinstance(m, LeanLinear))
    x = torch.randn(3, 5, layer.in_features, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x)
    out.float().sum().backward()
    kinds = (out.dtype, x.grad.dtype, layer.lora_A["default"].weight.grad.dtype)
    assert kinds == (torch.bfloat16, torch.float32, torch.float32)


def test_a_base_in_half_precision_is_adapted_in_single(checkpoint: Path) -> None:
    found = []
    for lean in (False, True):
        model = adapted(checkpoint, 0.0, lean=lean).train()
        for name, parameter in model.named_parameters():
            if "lora_" not in name:
                parameter.data = parameter.data.bfloat16()
        logits = model(IDS).logits
        logits.float().square().mean().backward()
        found.append([logits, *(p.grad for p in model.parameters() if p.requires_grad)])
    assert found[1][0].dtype == torch.bfloat16
    for theirs, ours in zip(*found, strict=True):
        assert (ours - theirs).norm() < 0.05 * theirs.norm()
