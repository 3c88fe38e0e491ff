"""A linear layer with LoRA that learns what peft's does, in less memory and time.

peft drops values of a layer's input for every adapted layer anew. Autograd then keeps each dropped input and, on a CPU,
the noise that it was multiplied with: 8 bytes a value, more than half of all that a training step keeps
(docs/training.md). Kept here are the input itself, which layers that read the same one share, and a byte a value of
which stayed; the rest is computed again. The adapter's part is added to the layer's output in place.
"""

from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor
from torch.nn.functional import linear

LEVELS = 1 << 16
"""Random numbers are compared as 16-bit integers, four of which come out of one draw of the generator."""


class LeanLinear(LoraLinear):
    """peft's layer with another forward pass in training; weights, their names, and merging are peft's."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Map [..., inputs] to [..., outputs]; what is not plain training of one adapter is left to peft."""
        names = self.active_adapters
        plain = len(names) == 1 and names[0] in self.lora_A and names[0] not in self.lora_variant
        frozen = not any(p.requires_grad for p in self.base_layer.parameters())
        if args or kwargs or not (self.training and plain and frozen) or self.disable_adapters or self.merged:
            result: Tensor = super().forward(x, *args, **kwargs)
            return result
        [name] = names
        rate = float(getattr(self.lora_dropout[name], "p", 0.0))  # peft puts an Identity where nothing is dropped
        stays = drawn(x.shape, rate, x.device) if rate else None
        a, b = self.lora_A.get_parameter(f"{name}.weight"), self.lora_B.get_parameter(f"{name}.weight")
        bias: Tensor | None = getattr(self.base_layer, "bias", None)
        weight = self.base_layer.get_parameter("weight")
        return lean_linear(x, weight, bias, a, b, stays, stay_rate(rate), self.scaling[name])


def stay_rate(rate: float) -> float:
    """The share of values that stays, as it is drawn: a multiple of 1 / 65,536."""
    return 1.0 - round(rate * LEVELS) / LEVELS


def drawn(shape: torch.Size, rate: float, device: torch.device) -> Tensor:
    """Draw from torch's generator which values stay: bools of a shape, 3 times as fast as ``bernoulli_`` on a CPU."""
    count = shape.numel()
    whole = torch.empty((count + 3) // 4, dtype=torch.int64, device=device).random_(-(2**63), None)
    edge = round(rate * LEVELS) - LEVELS // 2
    return (whole.view(torch.int16)[:count] >= edge).view(shape)


def lean_linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    a: Tensor,
    b: Tensor,
    stays: Tensor | None,
    share: float,
    scaling: float,
) -> Tensor:
    """``x weight' + bias + scaling dropout(x) a' b'`` with gradients for x, a and b.

    x: [..., inputs]; weight: [outputs, inputs]; a: [rank, inputs]; b: [outputs, rank]; stays: as x, true for the
    ``share`` of x that is not dropped.
    """
    wide = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else None
    result: Tensor = _LeanLinear.apply(x, weight, bias, a, b, stays, share, scaling, wide)  # type: ignore[no-untyped-call] # torch has none
    return result


class _LeanLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        a: Tensor,
        b: Tensor,
        stays: Tensor | None,
        share: float,
        scaling: float,
        wide: torch.dtype | None,
    ) -> Tensor:
        base, kind = wide or weight.dtype, wide or a.dtype
        result = linear(x.to(base), weight.to(base), None if bias is None else bias.to(base))
        low = linear(_dropped(x, stays, kind), a.to(kind)).div_(share)
        _add_product(result, low.flatten(0, -2), b.to(kind).t(), scaling)
        context.save_for_backward(x, weight, a, b, stays, low)
        context.share, context.scaling, context.base, context.kind = share, scaling, base, kind
        return result

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, a, b, stays, low = context.saved_tensors
        base, kind = context.base, context.kind
        full = gradients[0].flatten(0, -2)
        half = full.to(kind)
        to_b = (half.t() @ low.flatten(0, -2)).mul_(context.scaling).to(b.dtype)
        inner = (half @ b.to(kind)).mul_(context.scaling / context.share)
        to_a = (inner.t() @ _dropped(x, stays, kind).flatten(0, -2)).to(a.dtype)
        to_x = None
        if context.needs_input_grad[0]:
            to_x = (full.to(base) @ weight.to(base)).view(x.shape)
            if stays is None:
                _add_product(to_x, inner, a.to(kind), 1.0)
            else:
                to_x += (inner @ a.to(kind)).view(x.shape).mul_(stays)
            to_x = to_x.to(x.dtype)
        return to_x, None, None, to_a, to_b, None, None, None, None


def _dropped(x: Tensor, stays: Tensor | None, kind: torch.dtype) -> Tensor:
    return (x if stays is None else torch.where(stays, x, 0.0)).to(kind)


def _add_product(to: Tensor, left: Tensor, right: Tensor, scaling: float) -> None:
    """Add ``scaling left right`` to the rows of ``to``, in place."""
    rows = to.flatten(0, -2)
    if to.dtype == left.dtype:
        rows.addmm_(left, right, alpha=scaling)
    else:
        rows += (left @ right).mul_(scaling)
