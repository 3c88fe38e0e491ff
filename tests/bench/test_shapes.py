"""Random weights in a shape: llama.cpp loads them, transformers runs them, and failures leave nothing behind."""

import json

import pytest

from bot.bench import shapes
from models.errors import ExportError, ModelError
from models.llama.engine import Engine
from models.llama.shape import SHAPES, Shape
from retrain.bench.forward import answer, blank
from retrain.bench.weights import write_random

SIZES = {"layers": 2, "width": 64, "heads": 4, "kv_heads": 2, "head": 16, "inner": 96, "vocabulary": 4200}


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_weights_in_a_shape_are_read_by_llama_cpp(family, tmp_path):
    shape = Shape(family=family, **SIZES)
    path = write_random(shape, tmp_path / "new" / "small.f16.gguf")
    assert [p.name for p in path.parent.iterdir()] == ["small.f16.gguf"]
    assert path.stat().st_size == pytest.approx(2 * shape.parameters, rel=0.5)
    engine = Engine(path, threads=1, tokens=256, branches=1)
    engine.read_plainly((1, 2, 3), 40)
    engine.close()


def test_transformers_reads_whole_prompts_in_a_shape():
    shape = Shape(family="qwen2", **SIZES)
    assert sum(p.numel() for p in blank(shape).parameters()) == pytest.approx(shape.parameters, rel=0.01)
    ready, first, second = answer(shape, ["[[1, 2, 3], [4]]", "[[5]]"], threads=1)
    assert json.loads(ready) == {"ready": True}
    assert json.loads(first)["ms"] > 0
    assert json.loads(second)["cpu_ms"] > 0


def test_a_folder_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="could not write"):
        write_random(Shape(family="qwen2", **SIZES), tmp_path / "file" / "x.gguf")


def test_shapes_have_the_sizes_of_their_names():
    billions = {name: float(name.rsplit("-", 1)[1].removesuffix("b")) for name in SHAPES if name != "tiny"}
    for name, size in billions.items():
        assert SHAPES[name].parameters / 1e9 == pytest.approx(size, rel=0.2), name


def test_files_that_exist_are_used_and_missing_ones_need_the_learning_side(tmp_path, monkeypatch):
    there = tmp_path / "qwen3-0.6b.q8_0.gguf"
    there.write_bytes(b"GGUF")
    assert shapes.gguf_of_shape("qwen3-0.6b", ("q8_0",), tmp_path) == {"q8_0": there}
    monkeypatch.setattr(shapes, "learning_side", lambda: False)
    with pytest.raises(ModelError, match=r"\[retrain\]"):
        shapes.gguf_of_shape("qwen3-0.6b", ("q4_k_m",), tmp_path)
