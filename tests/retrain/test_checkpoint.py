import pytest
import torch

from models.errors import ModelError
from retrain.checkpoint import STARTER_RUNGS, load_base, parameter_count, resolve


def test_every_starter_rung_loads_and_they_rise(monkeypatch):
    counts = [parameter_count(load_base(f"starter-{rung}").model) for rung in STARTER_RUNGS]
    assert counts == sorted(set(counts))
    assert counts[-1] <= 3_000_000


def test_a_local_folder_loads_in_full_precision(checkpoint):
    loaded = load_base(checkpoint)
    assert loaded.causal.dtype == torch.float32
    assert not loaded.causal.training


@pytest.mark.parametrize("name", ["starter-xxl", "starter-base-xxl", "starter-"])
def test_a_rung_that_does_not_exist_is_named(name):
    with pytest.raises(ModelError, match="its rungs are starter-xs"):
        resolve(name)


def test_an_empty_folder_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="cannot load the model"):
        load_base(tmp_path)


def test_pickled_weights_are_refused(tmp_path, checkpoint):
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((checkpoint / name).read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load_base(tmp_path)


def test_base_and_starter_name_the_same_weights():
    assert resolve("starter-s") == resolve("starter-base-s")
