"""How low-rank a change of weights is: its singular values, plain and as the layer's outputs feel them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.metrics import Floats
from retrain.lowrank import roots


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """Singular values of one layer's change, largest first: ``plain``, and ``felt`` weighted by the layer's inputs."""

    layer: str
    outputs: int
    inputs: int
    plain: Floats
    felt: Floats

    @property
    def kind(self) -> str:
        """Which of a block's matrices it is: q_proj, down_proj ..."""
        return self.layer.rsplit(".", 1)[-1]


class Change:
    """What training did to linear layers, ready to be cut to any rank.

    ``before`` and ``after`` hold weights [outputs, inputs] by the layer's name, ``moments`` the sum of x x' over the
    layer's inputs (``second_moments``). Cut is the change times the root of the moments, as ``extract_adapter`` does:
    the best that a rank can do for the layers' outputs.
    """

    def __init__(
        self, before: Mapping[str, Tensor], after: Mapping[str, Tensor], moments: Mapping[str, Tensor]
    ) -> None:
        self._before = dict(before)
        self._parts: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
        self.spectra: list[Spectrum] = []
        for name, weight in before.items():
            change = (after[name] - weight).double()
            root, inverse = roots(moments.get(name), change)
            left, felt, right = torch.linalg.svd(change @ root, full_matrices=False)
            self._parts[name] = (left * felt, right @ inverse, felt)
            plain = torch.linalg.svdvals(change)
            outputs, inputs = change.shape
            spectrum = Spectrum(layer=name, outputs=outputs, inputs=inputs, plain=plain.numpy(), felt=felt.numpy())
            self.spectra.append(spectrum)

    def cut(self, rank: int) -> dict[str, Tensor]:
        """The weights [outputs, inputs] that keep so much of the change, by the layer's name."""
        return {
            name: self._before[name] + (left[:, :rank] @ right[:rank]).to(self._before[name])
            for name, (left, right, _) in self._parts.items()
        }


def share(sizes: Floats, rank: int) -> float:
    """How much (0..1) of the energy, the sum of squares, the first ``rank`` singular values hold."""
    squares = sizes**2
    whole = float(squares.sum())
    return float(squares[:rank].sum()) / whole if whole else 1.0


def rank_for(sizes: Floats, wanted: float) -> int:
    """The least rank that holds a share (0..1) of the energy; 0 where nothing was changed."""
    squares = sizes**2
    if not squares.sum():
        return 0
    return int(np.searchsorted(np.cumsum(squares) / squares.sum(), wanted - 1e-12)) + 1


def asked_for(scores: Mapping[int, float], whole: float, slack: float) -> int | None:
    """The least rank from which on every larger one scores at least ``whole`` less ``slack``; None where none does."""
    found = None
    for rank in sorted(scores, reverse=True):
        if scores[rank] < whole - slack:
            break
        found = rank
    return found


def mean_share(spectra: Sequence[Spectrum], rank: int, *, felt: bool) -> float:
    """Mean share of the energy within a rank over layers, each counted alike."""
    return float(np.mean([share(s.felt if felt else s.plain, rank) for s in spectra]))
