from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from models.errors import ExportError
from models.prompt import render
from models.tokens import encode
from retrain.export.source import config_of
from retrain.gguf_export import export_gguf
from retrain.gguf_lora import export_lora
from retrain.lora import merge
from tests.retrain.conftest import FAMILIES, IS_QUESTION, NEEDS_CONTEXT, make_checkpoint, make_item
from tests.retrain.gguf_letters import ABOUT, BUDGET, Plain, letters_with, llama_letters, make_adapter


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize(
    "options", [{}, {"use_rslora": True, "alpha_pattern": {"q_proj": 3}, "rank_pattern": {"v_proj": 2}}]
)
def test_llama_cpp_with_the_adapter_scores_as_the_merged_model(family: str, options: dict, tmp_path: Path) -> None:
    base = make_checkpoint(tmp_path / "base", family)
    adapter = make_adapter(base, tmp_path / "adapter", **options)
    prompt = encode(
        render(make_item(4).burst, (IS_QUESTION, NEEDS_CONTEXT), (IS_QUESTION, NEEDS_CONTEXT)), Plain(base), BUDGET
    )
    plain = export_gguf(base, tmp_path / "base.gguf", kind="f32")
    merged = export_gguf(merge(base, adapter, tmp_path / "merged"), tmp_path / "merged.gguf", kind="f32")
    lora = export_lora(adapter, config_of(str(base)), tmp_path / "adapter.gguf", ABOUT)
    expected = np.array(llama_letters(merged, prompt))
    assert np.abs(np.array(llama_letters(plain, prompt)) - expected).max() > 0.3, "the adapter must change something"
    assert np.abs(np.array(letters_with(plain, lora, prompt)) - expected).max() < 0.02


def test_the_file_says_what_it_is(checkpoint: Path, tmp_path: Path) -> None:
    adapter = make_adapter(checkpoint, tmp_path / "adapter")
    path = export_lora(adapter, config_of(str(checkpoint)), tmp_path / "adapter.gguf", ABOUT)
    fields = {name: field.contents() for name, field in GGUFReader(path).fields.items()}
    assert fields["general.type"] == "adapter"
    assert fields["adapter.type"] == "lora"
    assert fields["adapter.lora.alpha"] == 8.0
    assert fields["general.architecture"] == "qwen2"
    assert fields["general.license"] == "Apache-2.0"
    assert fields["quandary.dataset"] == "d" * 64
    assert {t.name for t in GGUFReader(path).tensors if t.name.startswith("blk.0.attn_q")} == {
        "blk.0.attn_q.weight.lora_a",
        "blk.0.attn_q.weight.lora_b",
    }


def test_what_is_no_plain_lora_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    adapter = make_adapter(checkpoint, tmp_path / "adapter", use_dora=True)
    with pytest.raises(ExportError, match=r"use_dora.*export the merged model"):
        export_lora(adapter, config_of(str(checkpoint)), tmp_path / "adapter.gguf", ABOUT)
    assert not (tmp_path / "adapter.gguf").exists()
