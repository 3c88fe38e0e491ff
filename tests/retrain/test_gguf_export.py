import json
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader, TokenType
from transformers import AutoModelForCausalLM

from models.errors import ExportError
from models.llama import quantize
from models.llama.engine import Engine
from models.prompt import render
from models.tokens import EncodedPrompt, encode
from retrain.gguf_export import export_gguf, rope_theta
from tests.retrain.conftest import FAMILIES, IS_QUESTION, NEEDS_CONTEXT, make_checkpoint, make_item
from tests.retrain.gguf_letters import BUDGET, Plain, llama_letters

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


def torch_letters(folder: Path, prompt: EncodedPrompt) -> list[list[float]]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    rows = []
    for branch in prompt.branches:
        ids = torch.tensor([[*prompt.preamble, *prompt.chat, *branch.ids]])
        with torch.no_grad():
            rows.append(model(ids).logits[0, -1, list(branch.letters)].tolist())
    return rows


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_gguf_scores_as_the_checkpoint_does(family: str, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / family, family)
    prompt = encode(render(make_item(4).burst, QUESTIONS, QUESTIONS), Plain(folder), BUDGET)
    expected = np.array(torch_letters(folder, prompt))
    path = export_gguf(folder, tmp_path / "out" / "model.gguf", kind="f32")
    assert np.ptp(expected) > 0.5, "random weights must tell letters apart, or nothing is shown"
    assert np.abs(np.array(llama_letters(path, prompt)) - expected).max() < 0.02
    assert [p.name for p in path.parent.iterdir()] == ["model.gguf"]


def test_quantizing_an_export_drifts_little(checkpoint: Path, tmp_path: Path) -> None:
    prompt = encode(render(make_item(4).burst, QUESTIONS, QUESTIONS), Plain(checkpoint), BUDGET)
    whole = export_gguf(checkpoint, tmp_path / "model.gguf")
    small = quantize(whole, tmp_path / "model.q8_0.gguf", "q8_0")
    assert small.stat().st_size < whole.stat().st_size
    drift = np.abs(np.array(llama_letters(small, prompt)) - np.array(torch_letters(checkpoint, prompt)))
    assert drift.mean() < 0.1


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "<|im_end|>\n<|im_start|>assistant",
        "你好吗?  x\n\n\n y",
        "it's 12345 o'clock!!!",
        "\u202eabc",
        "é",
        "",
    ],
)
def test_llama_reads_the_same_tokens(checkpoint: Path, tmp_path: Path, text: str) -> None:
    path = export_gguf(checkpoint, tmp_path / "model.gguf")
    engine = Engine(path, threads=1, tokens=256, branches=1)
    try:
        for special in (False, True):
            assert engine.ids(text, special=special) == Plain(checkpoint).ids(text, special=special)
    finally:
        engine.close()


def test_the_vocabulary_is_padded_and_special_tokens_are_control(checkpoint: Path, tmp_path: Path) -> None:
    fields = GGUFReader(export_gguf(checkpoint, tmp_path / "model.gguf")).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = dict(zip(tokens, fields["tokenizer.ggml.token_type"].contents(), strict=True))
    assert len(tokens) == 448
    assert kinds["<|im_start|>"] == TokenType.CONTROL
    assert kinds["A"] == TokenType.NORMAL
    assert kinds["[PAD447]"] == TokenType.UNUSED
    assert fields["tokenizer.ggml.pre"].contents() == "qwen2"
    assert fields["qwen2.rope.freq_base"].contents() == 50000.0
    assert fields["tokenizer.ggml.add_bos_token"].contents() is False


def test_rope_theta_is_found_in_old_and_new_configs() -> None:
    assert rope_theta({"rope_parameters": {"rope_theta": 5.0}}) == 5.0
    assert rope_theta({"rope_theta": 6.0}) == 6.0
    assert rope_theta({}) == 10000.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "gpt2"}, "gpt2"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "yarn"),
        ({"use_sliding_window": True}, "sliding"),
        ({"vocab_size": 10}, "embedding rows"),
    ],
)
def test_shapes_that_are_not_mapped_are_refused(checkpoint: Path, tmp_path: Path, change: dict, said: str) -> None:
    for path in checkpoint.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "config.json").unlink()
    config = json.loads((checkpoint / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(ExportError, match=said):
        export_gguf(tmp_path, tmp_path / "out" / "model.gguf")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"config\.json"):
        export_gguf(tmp_path, tmp_path / "model.gguf")


def test_a_full_disk_leaves_nothing_and_keeps_the_old_file(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    target.write_bytes(b"the old one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # as a disk that has 20 kB left
    try:
        with pytest.raises(ExportError, match=r"could not export|nothing was written"):
            export_gguf(checkpoint, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert target.read_bytes() == b"the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["model.gguf"]


def test_weights_that_are_cut_short_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    for path in checkpoint.iterdir():
        (tmp_path / path.name).symlink_to(path)
    weights = tmp_path / "model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(ExportError):
        export_gguf(tmp_path, tmp_path / "model.gguf")
    assert not list(tmp_path.glob("*.gguf*"))
