import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retrain.spectrum import Change, asked_for, rank_for, share


def test_a_planted_low_rank_change_is_found_and_kept_whole() -> None:
    torch.manual_seed(0)
    before = {"a.q_proj": torch.randn(12, 8), "a.up_proj": torch.randn(6, 10)}
    after = {name: w + torch.randn(w.shape[0], 2) @ torch.randn(2, w.shape[1]) for name, w in before.items()}
    inputs = torch.randn(40, 8).double()
    change = Change(before, after, {"a.q_proj": inputs.T @ inputs})
    for spectrum in change.spectra:
        assert share(spectrum.plain, 2) == pytest.approx(1.0)
        assert share(spectrum.felt, 2) == pytest.approx(1.0)
        assert rank_for(spectrum.plain, 0.999) == 2
        assert share(spectrum.plain, 1) < 0.999
    assert [s.kind for s in change.spectra] == ["q_proj", "up_proj"]
    kept = change.cut(2)
    assert all(torch.allclose(kept[name], after[name], atol=1e-4) for name in before)
    assert not torch.allclose(change.cut(1)["a.q_proj"], after["a.q_proj"], atol=1e-2)


def test_what_inputs_never_use_costs_no_rank() -> None:
    before = {"a.q_proj": torch.zeros(4, 4)}
    after = {"a.q_proj": torch.diag(torch.tensor([1.0, 5.0, 5.0, 5.0]))}
    moments = {"a.q_proj": torch.diag(torch.tensor([100.0, 0.0, 0.0, 0.0]))}
    spectrum = Change(before, after, moments).spectra[0]
    assert share(spectrum.plain, 1) < 0.35
    assert share(spectrum.felt, 1) > 0.9


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=12), st.floats(0.05, 1.0))
def test_the_least_rank_holds_the_share_and_one_less_does_not(sizes: list[float], wanted: float) -> None:
    values = np.sort(np.array(sizes))[::-1]
    rank = rank_for(values, wanted)
    if rank:
        assert share(values, rank) >= wanted - 1e-9
        assert share(values, rank - 1) < wanted + 1e-9
    else:
        assert not (values**2).sum()


def test_the_rank_asked_for_is_the_least_from_which_all_do() -> None:
    assert asked_for({2: 0.80, 4: 0.79, 8: 0.83, 16: 0.84}, 0.84, 0.02) == 8
    assert asked_for({2: 0.83, 4: 0.70, 8: 0.83}, 0.84, 0.02) == 8
    assert asked_for({2: 0.83, 4: 0.83}, 0.90, 0.02) is None
