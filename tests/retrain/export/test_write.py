import json
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from gguf import GGUFReader
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.calibration import Calibration, QuestionCalibration, read_calibration, write_calibration
from models.errors import ExportError, InputError
from models.evidence import Candidate, Check, Outcome, Verdict
from models.ids import CandidateId, DatasetId, RunId
from models.llama import sha256_of
from models.prompt import render
from models.settings import Settings
from models.store import learning
from models.store.database import open_database
from models.tokens import encode
from models.toml import dump_settings
from retrain.candidate import export_named
from retrain.checkpoint import load_base
from retrain.cli import cli
from retrain.dataset import freeze
from retrain.export.card import example
from retrain.export.modelfile import modelfile
from retrain.export.source import find
from tests.retrain.conftest import make_item, make_settings
from tests.retrain.gguf_letters import BUDGET, Plain, letters_with, llama_letters, make_adapter

AT = datetime(2026, 2, 1, tzinfo=UTC)
NAME = "abcdef012345"


@pytest.fixture(scope="module")
def house(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A store with one candidate: a tiny base, an adapter with random weights, its quantized file and calibration."""
    settings = make_settings(tmp_path_factory.mktemp("house"), (checkpoint,), checkpoint)
    items = [make_item(i) for i in range(60)]
    dataset = freeze(items, settings.questions, settings.data_dir, holdout_share=0.3, folds=2, frozen_at=AT)
    folder = settings.data_dir / "candidates" / NAME
    adapter = make_adapter(checkpoint, folder / "adapter")
    gguf = export_named(str(checkpoint), adapter, folder / "model.gguf", "q8_0")
    found = {q.id: QuestionCalibration(version=q.version, temperature=1.7) for q in settings.questions}
    write_calibration(gguf, Calibration(gguf_sha256=sha256_of(gguf), questions=found))
    candidate = Candidate(
        id=CandidateId(NAME),
        run=RunId("r"),
        dataset=DatasetId(dataset.id),
        base=str(checkpoint),
        adapter_path=f"candidates/{NAME}/adapter",
        adapter_sha256=sha256_of(adapter / "adapter_model.safetensors"),
        gguf_path=f"candidates/{NAME}/model.gguf",
        gguf_sha256=sha256_of(gguf),
        question_versions={q.id: q.version for q in settings.questions},
        created_at=AT,
    )
    check = Check(name="labels", outcome=Outcome.PASS, reason="60 labelled bursts", figures={})
    verdict = Verdict(candidate=candidate.id, outcome=Outcome.PASS, checks=(check,), gate_version="5+x", judged_at=AT)
    with closing(open_database(settings.data_dir)) as db:
        learning.put_dataset(db, dataset.id, f"datasets/{dataset.id}", dataset.size, {}, AT)
        learning.put_candidate(db, candidate, verdict)
    return settings


@pytest.fixture
def run(house: Settings, tmp_path: Path) -> Callable[..., str]:
    config = tmp_path / "config.toml"
    config.write_text(dump_settings(house))

    def invoke(*words: object) -> str:
        done = CliRunner().invoke(cli, ["export", *map(str, words), "--config", str(config)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return invoke


def last_logits(model: torch.nn.Module, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0, -1].float().numpy()


def test_an_adapter_loads_in_peft_and_in_llama_cpp_as_it_was_trained(house, run, checkpoint, tmp_path: Path) -> None:
    told = run("adapter", NAME[:6], tmp_path / "out")
    out = tmp_path / "out"
    assert sorted(p.name for p in out.iterdir()) == [
        "README.md",
        "adapter.gguf",
        "adapter_config.json",
        "adapter_model.safetensors",
        "base",
        "base.f16.gguf",
        "prompt.txt",
    ]
    assert "adapter.gguf" in told
    trained = load_base(str(checkpoint), adapter=house.data_dir / "candidates" / NAME / "adapter")
    base = AutoModelForCausalLM.from_pretrained(out / "base", dtype=torch.float32)
    loaded = PeftModel.from_pretrained(base, str(out)).eval()
    ids = AutoTokenizer.from_pretrained(out / "base").encode((out / "prompt.txt").read_text())
    assert np.abs(last_logits(loaded, ids) - last_logits(trained.model, ids)).max() < 1e-5
    prompt = encode(render(make_item(4).burst, house.questions, house.questions), Plain(checkpoint), BUDGET)
    merged = export_named(str(checkpoint), house.data_dir / "candidates" / NAME / "adapter", tmp_path / "m.gguf", "f16")
    laid = np.array(letters_with(out / "base.f16.gguf", out / "adapter.gguf", prompt))
    assert np.abs(laid - np.array(llama_letters(merged, prompt))).max() < 0.05
    assert not [p for p in out.rglob("*") if p.suffix in {".bin", ".pt", ".pkl"}]


def test_a_model_loads_in_transformers_and_llama_cpp_with_card_modelfile_and_its_calibration(
    house, run, checkpoint, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("model", NAME, out, "--kind", "q8_0", "--kind", "f16")
    trained = load_base(str(checkpoint), adapter=house.data_dir / "candidates" / NAME / "adapter")
    loaded = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    ids = AutoTokenizer.from_pretrained(out).encode((out / "prompt.txt").read_text())
    assert np.abs(last_logits(loaded, ids) - last_logits(trained.model, ids)).max() < 1e-3
    small, half = (out / f"quandary-{NAME}.{kind}.gguf" for kind in ("q8_0", "f16"))
    prompt = encode(render(make_item(4).burst, house.questions, house.questions), Plain(checkpoint), BUDGET)
    judged = house.data_dir / "candidates" / NAME / "model.gguf"
    assert llama_letters(small, prompt) == llama_letters(judged, prompt)
    assert np.abs(np.array(llama_letters(small, prompt)) - np.array(llama_letters(half, prompt))).mean() < 0.1
    assert read_calibration(small, sha256_of(small)).questions == read_calibration(judged, sha256_of(judged)).questions
    assert not half.with_name(f"quandary-{NAME}.f16.calibration.json").exists(), "nobody judged that file"
    fields = {name: field.contents() for name, field in GGUFReader(small).fields.items()}
    with closing(open_database(house.data_dir)) as db:
        [(candidate, _)] = learning.candidates(db)
    assert fields["quandary.dataset"] == candidate.dataset
    assert fields["general.name"] == f"quandary-{NAME}"
    # What Ollama reads of a GGUF: fs/ggml and convert's tokenizer fields.
    for key in (
        "general.architecture",
        "general.file_type",
        "qwen2.block_count",
        "qwen2.context_length",
        "qwen2.embedding_length",
        "qwen2.attention.head_count",
        "tokenizer.ggml.model",
        "tokenizer.ggml.pre",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.token_type",
        "tokenizer.ggml.merges",
    ):
        assert key in fields, key
    card = (out / "README.md").read_text()
    for told in (
        candidate.dataset,
        "says **pass**",
        "60 labelled bursts",
        "r 4, lora_alpha 8",
        "is_question",
        "ollama",
    ):
        assert told.lower() in card.lower(), told
    assert "how do I do" not in card, "a card holds nobody's words"
    assert str(checkpoint.parent) not in card + str(fields), "nor a path of this machine"
    assert (out / "Modelfile").read_text().count(f"FROM ./quandary-{NAME}.q8_0.gguf") == 1


def test_an_export_is_whole_or_not_there_and_replaces_nothing_unasked(house, run, tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "out"
    run("model", NAME, out, "--no-safetensors")
    before = {p.name: sha256_of(p) for p in out.iterdir()}
    with pytest.raises(InputError, match="--force"):
        run("model", NAME, out)
    monkeypatch.setattr("retrain.export.write.modelfile", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(ExportError, match="still does"):
        run("model", NAME, out, "--force")
    assert {p.name: sha256_of(p) for p in out.iterdir()} == before
    monkeypatch.undo()
    run("model", NAME, out, "--force", "--kind", "f16", "--no-safetensors")
    assert f"quandary-{NAME}.f16.gguf" in [p.name for p in out.iterdir()]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("out")] == ["out"]


def test_names_mean_candidates_rungs_folders_and_nothing_else(house, checkpoint, tmp_path: Path) -> None:
    assert find("starter-xs", house).base == "starter-base-xs"
    assert find("starter", house).name == "starter-l"
    assert find("starter-base-xs", house).adapter is None
    assert find("champion", house).base == str(checkpoint), "nothing was promoted: the model of config.toml"
    assert find("Qwen/Qwen2.5-0.5B", house).on_hub
    for name in ("nothing", "abc", "x.gguf"):
        with pytest.raises(InputError):
            find(name, house)
    adapter = house.data_dir / "candidates" / NAME / "adapter" / "adapter_model.safetensors"
    whole = adapter.read_bytes()
    try:
        adapter.write_bytes(whole[:-1] + b"x")
        with pytest.raises(ExportError, match="not the one that was judged"):
            find(NAME, house)
    finally:
        adapter.write_bytes(whole)


def test_a_modelfile_keeps_to_ollamas_grammar() -> None:
    text = modelfile("m.q8_0.gguf", 1024, 'Apache-2.0, "as is"')
    rest = re.sub(r'^(TEMPLATE|LICENSE) """(?:(?!""").)*"""\n', "", text, flags=re.MULTILINE | re.DOTALL)
    allowed = r"#.*|FROM \./\S+\.gguf|PARAMETER (temperature|num_predict|repeat_penalty|num_ctx) \d+"
    for line in rest.splitlines():
        assert re.fullmatch(allowed, line), line
    assert text.count('"""') == 4


def test_the_example_is_rendered_by_the_one_renderer(house) -> None:
    text = example(house.questions)
    assert ">>> S: and after the update?\n" in text
    assert text.endswith("<|im_start|>assistant\n")
    assert json.dumps(text).isascii()
