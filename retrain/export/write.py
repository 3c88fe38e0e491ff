"""Writing exports: an adapter for peft and llama.cpp, or the merged model as safetensors and GGUF."""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from gguf import GGUFReader

from models.calibration import read_calibration, sidecar, write_calibration
from models.errors import ModelError
from models.llama import quantize, sha256_of
from models.settings import Settings
from retrain.chatml import with_chat_template
from retrain.checkpoint import resolve
from retrain.export.card import UNSTATED, dataset_block, example, readme, verdict_block
from retrain.export.folder import filled
from retrain.export.modelfile import modelfile
from retrain.export.source import Source, config_of
from retrain.export.usage import BASE, LORA, adapter_usage, model_usage
from retrain.gguf_about import About
from retrain.gguf_export import export_gguf
from retrain.gguf_lora import WEIGHTS, export_lora
from retrain.ladder import prepared_base
from retrain.lora import merge

SHAPE = ("r", "lora_alpha", "lora_dropout", "use_rslora")


def write_adapter(source: Source, target: Path, settings: Settings, *, base: bool, force: bool) -> Path:
    """Write the adapter as PEFT folder and as GGUF, with ``base`` also what it is laid over.

    Raises ModelError where the base cannot be loaded, ExportError where a file cannot be written.
    """
    if source.adapter is None:
        raise ModelError(f"{source.name} has no adapter of its own; `quandary export model` writes it whole")
    with filled(target, force=force) as folder, TemporaryDirectory(prefix="quandary-") as work:
        prepared = prepared_base(source.base, Path(work))
        told = json.loads((source.adapter / "adapter_config.json").read_text(encoding="utf-8"))
        told["base_model_name_or_path"] = BASE if base else source.base
        (folder / "adapter_config.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        shutil.copyfile(source.adapter / WEIGHTS, folder / WEIGHTS)
        export_lora(source.adapter, config_of(prepared), folder / LORA, _about(source, settings, "adapter"))
        if base:
            export_gguf(with_chat_template(merge(prepared, None, folder / BASE)), folder / f"{BASE}.f16.gguf")
        usage = adapter_usage(source.base_name, len(settings.questions[0].options), base=base)
        _describe(folder, source, settings, f"{source.name}: LoRA adapter", usage, told, library="peft")
    return target


def write_model(
    source: Source, target: Path, settings: Settings, kinds: Sequence[str], *, safetensors: bool, force: bool
) -> Path:
    """Write the model with its adapter merged in, as GGUF of each kind, with ``safetensors`` as a checkpoint too.

    Raises ModelError where it cannot be loaded, ExportError where a file cannot be written.
    """
    with filled(target, force=force) as folder, TemporaryDirectory(prefix="quandary-") as work:
        prepared = prepared_base(source.base, Path(work))
        merged = with_chat_template(merge(prepared, source.adapter, Path(work) / "merged"))
        whole = export_gguf(merged, Path(work) / "whole.gguf", about=_about(source, settings, "model"))
        for kind in kinds:
            made = quantize(whole, folder / f"{source.name}.{kind}.gguf", kind, threads=settings.decide.threads)
            _calibrate(source, made)
        if safetensors:
            shutil.copytree(merged, folder, dirs_exist_ok=True)
        first = f"{source.name}.{kinds[0]}.gguf" if kinds else None
        if first is not None:
            context = int(config_of(prepared)["max_position_embeddings"])
            text = modelfile(first, min(context, 4096), licence_of(source.base))
            (folder / "Modelfile").write_text(text, encoding="utf-8")
        usage = model_usage(first, len(settings.questions[0].options), safetensors=safetensors)
        told = (
            None if source.adapter is None else json.loads((source.adapter / "adapter_config.json").read_text("utf-8"))
        )
        _describe(folder, source, settings, f"{source.name}: merged model", usage, told, library="transformers")
    return target


def same_tensors(one: Path, other: Path) -> bool:
    """Tell whether two GGUF files hold the same tensors, byte for byte; what they say of themselves may differ."""
    ours, theirs = ({t.name: t for t in GGUFReader(path).tensors} for path in (one, other))
    return ours.keys() == theirs.keys() and all(
        tensor.tensor_type == theirs[name].tensor_type and np.array_equal(tensor.data, theirs[name].data)
        for name, tensor in ours.items()
    )


def licence_of(base: str) -> str:
    """The licence that a base's card states, if it is here to be read."""
    if base.startswith("starter-"):
        return "Apache-2.0"
    card = Path(resolve(base)[0]) / "README.md"
    found = re.search(r"^licen[cs]e: *(\S+) *$", card.read_text("utf-8"), re.MULTILINE) if card.is_file() else None
    return found[1] if found else UNSTATED


def _calibrate(source: Source, made: Path) -> None:
    """Give a file its calibration where it holds the very tensors that were judged."""
    if source.candidate is None or source.gguf is None or not sidecar(source.gguf).exists():
        return
    if same_tensors(made, source.gguf):
        found = read_calibration(source.gguf, source.candidate.gguf_sha256)
        write_calibration(made, type(found)(gguf_sha256=sha256_of(made), questions=found.questions))


def _about(source: Source, settings: Settings, what: str) -> About:
    return About(
        name=source.name,
        description=f"Quandary {what}: answers single-choice questions about group chat, base {source.base_name}",
        licence=licence_of(source.base),
        base=source.base_name,
        dataset=None if source.candidate is None else source.candidate.dataset,
        questions=_versions(source, settings),
    )


def _versions(source: Source, settings: Settings) -> dict[str, str]:
    if source.candidate is not None:
        return {str(question): version for question, version in source.candidate.question_versions.items()}
    return {question.id: question.version for question in settings.questions}


def _describe(
    folder: Path,
    source: Source,
    settings: Settings,
    title: str,
    usage: str,
    lora: dict[str, Any] | None,
    *,
    library: str,
) -> None:
    candidate, verdict = source.candidate, source.verdict
    text = readme(
        title,
        source.base_name,
        licence_of(source.base),
        settings.questions,
        usage,
        made_of="" if candidate is None else dataset_block(source.card, candidate.dataset),
        verdict=""
        if verdict is None
        else verdict_block(
            verdict.outcome, verdict.gate_version, [(c.name, c.outcome.value, c.reason) for c in verdict.checks]
        ),
        training=None if lora is None else _shape(lora),
        library=library,
    )
    stale = _versions(source, settings) != {q.id: q.version for q in settings.questions}
    if stale:
        text += "\nThe wording of its questions has changed since it was trained; those above are today's.\n"
    (folder / "README.md").write_text(text, encoding="utf-8")
    (folder / "prompt.txt").write_text(example(settings.questions), encoding="utf-8")


def _shape(lora: Mapping[str, Any]) -> dict[str, Any]:
    """What an adapter's settings tell people: its shape, and the kinds of layers that it adapts."""
    targets = lora.get("target_modules") or ()
    kinds = [targets] if isinstance(targets, str) else sorted({str(name).rpartition(".")[2] for name in targets})
    return {name: lora.get(name) for name in SHAPE} | {"on": " ".join(kinds)}
