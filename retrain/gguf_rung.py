"""A rung that is a GGUF file: read by llama.cpp as the bot reads it. Nothing trains it here.

It is read tuned only where a LoRA adapter lies beside it (``x.lora.gguf`` beside ``x.gguf``), which was trained
elsewhere: whoever puts it there answers for its never having seen these labels.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFReader

from models.errors import ModelError
from models.ids import BurstId, QuestionId
from models.item import Item
from models.llama import open_decider
from models.question import Question
from models.settings import DecideSettings
from retrain.judged import Scores

SUFFIX = ".gguf"
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
"""Under what names architectures say how many experts they have: Qwen, Mixtral, DeepSeek, DBRX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a rung is, and whether all its weights take part in every token."""

    parameters: int
    dense: bool


def is_gguf(name: str) -> bool:
    """Tell whether a rung's name in config.toml is that of a GGUF file."""
    return name.lower().endswith(SUFFIX)


def adapter_beside(path: Path) -> Path | None:
    """The LoRA adapter that lies beside a rung's file; None where there is none."""
    beside = path.with_suffix(f".lora{SUFFIX}")
    return beside if beside.exists() else None


def dense(config: Mapping[str, Any]) -> bool:
    """Tell whether a model is dense, by its transformers configuration: a mixture of experts says how many it has."""
    nested = [value for value in config.values() if isinstance(value, Mapping)]
    counts = (config.get(name) for name in EXPERTS)
    return not any(isinstance(count, int) and count > 1 for count in counts) and all(dense(one) for one in nested)


def shape_of(path: Path) -> Shape:
    """Read size and kind off a GGUF's header; raises ModelError where it is none."""
    try:
        reader = GGUFReader(path)
        # The values of rope's table are constants, which a checkpoint does not count either.
        sizes = [int(tensor.n_elements) for tensor in reader.tensors if not tensor.name.startswith("rope_")]
        experts = [field.contents() for name, field in reader.fields.items() if name.endswith(".expert_count")]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ModelError(f"the rung {path} is not readable as GGUF: {error}") from error
    return Shape(parameters=sum(sizes), dense=not any(count > 1 for count in experts))


def read_gguf_rung(
    path: Path,
    items: Sequence[Item],
    questions: Sequence[Question],
    decide: DecideSettings,
    advance: Callable[[int, int, float | None], None],
    adapter: Path | None = None,
) -> dict[QuestionId, Scores]:
    """Score items as checkpoints do: questions that an item has a label for, averaged over the orders of the options.

    Raises ModelError where the file cannot be loaded.
    """
    found: dict[QuestionId, dict[BurstId, Sequence[float]]] = {q.id: {} for q in questions}
    with closing(open_decider(path, questions, decide, adapter=adapter)) as decider:
        for number, item in enumerate(items, start=1):
            for question, scores in zip(questions, decider.scores(item.burst), strict=True):
                if question.id in item.answers:
                    found[question.id][item.burst.id] = scores
            advance(number, len(items), None)
    return dict(found)
