"""What a GGUF says about itself: name, licence, base, and what it learned from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gguf import GGUFWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """``questions`` are the versions of the questions that it answers; ``dataset`` is what it was trained on."""

    name: str
    description: str
    licence: str
    base: str
    dataset: str | None = None
    questions: Mapping[str, str] = field(default_factory=dict)


def write_about(writer: GGUFWriter, about: About, kind: Literal["model", "adapter"]) -> None:
    """Write the standard fields, and our own under ``quandary.``; the name is left to others."""
    writer.add_type(kind)
    writer.add_description(about.description)
    writer.add_license(about.licence)
    writer.add_finetune("quandary")
    writer.add_base_model_count(1)
    writer.add_base_model_name(0, about.base)
    writer.add_tags(["single-choice", "group-chat", "lora"])
    if about.dataset is not None:
        writer.add_string("quandary.dataset", about.dataset)
    for question, version in about.questions.items():
        writer.add_string(f"quandary.question.{question}", version)
