"""A GGUF file as a rung: the same evidence as its checkpoint gives, and told apart where it is no step of a ladder."""

import dataclasses
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader, GGUFWriter

from models.errors import ModelError, SettingsError
from models.llama.resolve import STARTER
from models.settings import GateSettings, TrainSettings
from retrain.candidate import export_named
from retrain.checkpoint import load_base, parameter_count
from retrain.climb import ladders
from retrain.evidence_file import read_evidence, write_evidence
from retrain.export.source import config_of
from retrain.gguf_lora import export_lora
from retrain.gguf_rung import dense, shape_of
from retrain.ladder import Course, Rung, read_laid, read_vanilla, trained_on
from retrain.ladder import read as read_with_checkpoint
from retrain.picture import panels
from retrain.scaling.checks import ladder_checks
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_checkpoint, make_item
from tests.retrain.gguf_letters import ABOUT, make_adapter
from tests.retrain.ladders import made_ladder
from tests.retrain.made_evidence import RISING, evidence

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)
ITEMS = [make_item(i) for i in range(12)]
TOLERANCE = {"f16": 0.01, "q8_0": 0.1}
"""Nats by which an option's score may differ from the checkpoint's, on a tiny model with random weights."""


def course(work: Path) -> Course:
    def stage(_title: str) -> nullcontext:
        return nullcontext(lambda _done, _total, _loss: None)

    return Course(questions=QUESTIONS, train=TrainSettings(), budget=420, work=work, stage=stage)


def read(name: str, work: Path) -> Rung:
    return read_vanilla(name, ITEMS, course(work))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_checkpoint(tmp_path_factory.mktemp("rungs") / "rung", width=64))


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_a_file_gives_the_evidence_of_its_checkpoint(checkpoint: str, tmp_path: Path, kind: str) -> None:
    file = export_named(checkpoint, None, tmp_path / "rung.gguf", kind)
    whole, packed = read(checkpoint, tmp_path / "a"), read(str(file), tmp_path / "b")
    assert packed.parameters == whole.parameters
    assert packed.dense is whole.dense is True
    assert not packed.trainable
    for question in QUESTIONS:
        ours, theirs = whole.vanilla[question.id], packed.vanilla[question.id]
        assert set(theirs) == set(ours)
        for burst, scores in ours.items():
            assert theirs[burst] == pytest.approx(scores, abs=TOLERANCE[kind])


def test_a_changed_file_is_read_anew(checkpoint: str, tmp_path: Path) -> None:
    file = export_named(checkpoint, None, tmp_path / "rung.gguf", "f16")
    first = read(str(file), tmp_path / "work")
    other = str(make_checkpoint(tmp_path / "other", width=32))
    export_named(other, None, file, "f16")
    assert read(str(file), tmp_path / "work").vanilla != first.vanilla


def test_a_shipped_file_counts_the_parameters_of_its_checkpoint() -> None:
    shape = shape_of(STARTER / "gguf" / "starter-base-xs.q8_0.gguf")
    assert shape.dense
    assert shape.parameters == parameter_count(load_base("starter-base-xs").model)


def test_a_mixture_of_experts_is_known_by_its_configuration_and_by_its_file(tmp_path: Path) -> None:
    assert dense({"model_type": "qwen2", "hidden_size": 64})
    assert dense({"num_local_experts": 1, "num_experts": None})
    assert not dense({"num_local_experts": 8})
    assert not dense({"num_experts": 128})
    assert not dense({"text_config": {"n_routed_experts": 64}})
    for count, expected in ((8, False), (0, True)):
        path = tmp_path / f"{count}.gguf"
        writer = GGUFWriter(path, "qwen3moe")
        writer.add_expert_count(count)
        writer.add_tensor("token_embd.weight", np.zeros((4, 8), dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        assert "qwen3moe.expert_count" in GGUFReader(path).fields
        assert shape_of(path).dense is expected
        assert shape_of(path).parameters == 32
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but nothing behind it")
    with pytest.raises(ModelError, match=r"broken\.gguf is not readable"):
        shape_of(broken)


def test_the_candidate_is_trained_on_the_largest_rung_that_can_be() -> None:
    assert trained_on(["small", "middle", "large.gguf"]) == "middle"
    with pytest.raises(SettingsError, match="add a checkpoint"):
        trained_on(["small.gguf", "large.gguf"])


def test_files_and_mixtures_stand_beside_the_ladder_of_what_is_trained(tmp_path: Path) -> None:
    made = made_ladder(np.random.default_rng(0), RISING, RISING)
    items = [make_item(i) for i in range(4)]
    scores = {IS_QUESTION.id: {item.burst.id: [0.0, -1.0, -2.0] for item in items}}
    plain = Rung(name="a", base="a", parameters=1, seconds=0.0, vanilla=scores, tuned=scores)
    file = dataclasses.replace(plain, name="b.gguf", base="b.gguf", parameters=2, tuned={})
    mixed = dataclasses.replace(plain, name="c", base="c", parameters=3, dense=False)
    (ladder,) = ladders((IS_QUESTION,), [plain, file, mixed], items)
    assert (ladder.dense, ladder.untuned, len(ladder.tuned)) == ((True, True, False), ("b.gguf",), 2)
    assert ladder.without_reference().rungs == ("a", "b.gguf")
    assert len(ladder.without_reference().tuned) == 1
    assert ladder.trained().rungs == ("a", "c")
    (panel,) = panels([ladder], 0)
    assert [rung.rung for rung in panel.vanilla] == ["a", "b.gguf", "c (reference)"]
    assert [rung.rung for rung in panel.tuned] == ["a", "c (reference)"]
    topped = dataclasses.replace(
        made,
        rungs=(*made.rungs, "top.gguf"),
        parameters=(*made.parameters, 10 * made.parameters[-1]),
        vanilla=(*made.vanilla, made.vanilla[-1]),
        untuned=("top.gguf",),
    )
    names = [check.name for check in ladder_checks(topped, GateSettings(), np.random.default_rng(0))]
    assert names == [check.name for check in ladder_checks(made, GateSettings(), np.random.default_rng(0))]
    given = dataclasses.replace(evidence(np.random.default_rng(0)), ladders=(topped,))
    write_evidence(given, QUESTIONS, tmp_path / "evidence.json")
    assert read_evidence(tmp_path / "evidence.json", QUESTIONS).ladders[0].untuned == ("top.gguf",)


def test_an_adapter_beside_the_file_makes_it_a_tuned_rung(checkpoint: str, tmp_path: Path) -> None:
    file = export_named(checkpoint, None, tmp_path / "rung.gguf", "f16")
    vanilla = read(str(file), tmp_path / "work")
    assert read_laid(vanilla, ITEMS, course(tmp_path / "work")) is vanilla
    adapter = make_adapter(Path(checkpoint), tmp_path / "adapter")
    beside = export_lora(adapter, config_of(checkpoint), tmp_path / "rung.lora.gguf", ABOUT)
    laid = read_laid(vanilla, ITEMS, course(tmp_path / "work"))
    model = load_base(checkpoint, adapter=adapter)
    expected = read_with_checkpoint(model, ITEMS, course(tmp_path / "work"), lambda *_: None)
    for question in QUESTIONS:
        for burst, scores in expected[question.id].items():
            assert laid.tuned[question.id][burst] == pytest.approx(scores, abs=TOLERANCE["f16"])
    assert laid.tuned != laid.vanilla
    beside.write_bytes(b"GGUF, but no adapter")
    with pytest.raises(ModelError, match="does not fit the model"):
        read_laid(vanilla, ITEMS, course(tmp_path / "work"))
