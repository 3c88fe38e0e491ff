"""LoRA and LoRA+ adapters on any causal language model, and merging them for export."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.optimizers import create_loraplus_optimizer

from models.errors import TrainingError
from models.item import Item
from models.question import Question, versions
from models.replacement import replacing_folder
from models.settings import TrainSettings
from retrain.checkpoint import Checkpoint, load_base, resolve
from retrain.curves import Curve
from retrain.fit import Plan, Progress, fit, make_examples, schedule
from retrain.gguf_rung import is_gguf
from retrain.lean_linear import LeanLinear

LOSSES = "losses.json"
ASIDE = {"report_to", "memory_gb"}
"""Settings of training that do not change what comes out."""


def train_adapter(
    base: str | Path,
    items: Sequence[Item],
    questions: Sequence[Question],
    settings: TrainSettings,
    *,
    out: Path,
    work: Path,
    budget: int,
    device: str = "cpu",
    weighted: bool = False,
    orders: int = 1,
    progress: Progress | None = None,
    curve: Curve | None = None,
) -> Path:
    """Train one adapter for all questions on labelled items and write it to the folder ``out``.

    ``budget`` is the longest prompt in tokens; with ``weighted`` an item counts by its weight. A run that was killed
    goes on from the state in ``work`` if nothing about it changed; the state is removed when the adapter is written.
    ``curve`` is told loss (nats) and learning rate of every step. Raises TrainingError where no item has an answer,
    ModelError where the base cannot be loaded.
    """
    labelled = [item for item in items if any(q.id in item.answers for q in questions)]
    if not labelled:
        raise TrainingError("no item answers any of the questions, so there is nothing to train on")
    torch.manual_seed(settings.seed)
    checkpoint = load_base(base, device=device)
    examples = make_examples(labelled, questions, checkpoint, budget)
    adapted = add_adapter(checkpoint, settings)
    plan = Plan(
        epochs=settings.epochs,
        batch=settings.batch,
        warmup_steps=settings.warmup_steps,
        seed=settings.seed,
        orders=orders,
        weighted=weighted,
        examples=fingerprint(str(base), labelled, questions, settings, budget),
    )
    optimizer = plus_optimizer(adapted, settings)

    def watched(done: int, steps: int, loss: float) -> None:
        if curve is not None:
            rate = settings.learning_rate * schedule(done - 1, steps, settings.warmup_steps)
            curve(done, {"train/loss": loss, "train/learning_rate": rate})
        if progress is not None:
            progress(done, steps, loss)

    losses = fit(checkpoint, examples, questions, plan, optimizer, work, watched)
    save_adapter(checkpoint, base, out, losses)
    shutil.rmtree(work, ignore_errors=True)
    return out


def add_adapter(checkpoint: Checkpoint, settings: TrainSettings) -> PeftModel:
    """Freeze the checkpoint's model and put LoRA matrices beside all its linear layers (the head apart)."""
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    config._register_custom_module({torch.nn.Linear: LeanLinear})  # noqa: SLF001 - peft documents it by this name
    model = get_peft_model(checkpoint.causal, config)
    if not isinstance(model, PeftModel):
        raise TrainingError(f"peft cannot put an adapter on {checkpoint.name}")
    checkpoint.model = model
    return model


def plus_optimizer(model: PeftModel, settings: TrainSettings) -> torch.optim.Optimizer:
    """LoRA+ (Hayou et al. 2024): B learns ``plus_ratio`` times as fast as A, whose rate is ``learning_rate``."""
    optimizer: torch.optim.Optimizer = create_loraplus_optimizer(
        model, torch.optim.AdamW, lr=settings.learning_rate, loraplus_lr_ratio=settings.plus_ratio, weight_decay=0.0
    )
    return optimizer


def save_adapter(checkpoint: Checkpoint, base: str | Path, out: Path, losses: Sequence[float]) -> None:
    """Write adapter and loss curve aside, then put the folder in place whole."""
    if not isinstance(checkpoint.model, PeftModel):
        raise TrainingError(f"{checkpoint.name} has no adapter to save")
    for config in checkpoint.model.peft_config.values():
        config.base_model_name_or_path = str(base)  # as the maintainer named it, not an absolute path of this machine
        config.inference_mode = True
    with replacing_folder(out) as aside:
        # The embeddings are never trained; asking peft to find out means asking the hub.
        checkpoint.model.save_pretrained(str(aside), safe_serialization=True, save_embedding_layers=False)
        (aside / "README.md").unlink(missing_ok=True)  # peft's empty model card
        (aside / LOSSES).write_text(json.dumps([round(loss, 5) for loss in losses]), encoding="utf-8")


def merge(base: str | Path, adapter: Path | None, out: Path) -> Path:
    """Merge an adapter into its base and write a checkpoint folder (safetensors, tokenizer beside it) for export."""
    checkpoint = load_base(base, adapter=adapter)
    model = checkpoint.model.merge_and_unload() if isinstance(checkpoint.model, PeftModel) else checkpoint.causal
    with replacing_folder(out) as aside:
        model.save_pretrained(str(aside), safe_serialization=True)
        checkpoint.tokenizer.inner.save_pretrained(str(aside))
    return out


def fingerprint(
    base: str, items: Sequence[Item], questions: Sequence[Question], settings: TrainSettings, budget: int
) -> str:
    """Hash (16 hex digits) of everything that decides what a run produces."""
    content = weights_hash(base)
    rows = [(i.burst.id, i.burst.text, sorted(i.answers.items()), i.weight) for i in items]
    told = json.dumps(
        [content, rows, versions(questions), settings.model_dump(exclude=ASIDE), budget], ensure_ascii=False
    )
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]


def weights_hash(base: str) -> str:
    """SHA-256 of a base's weights; the name itself where they are not in one file here."""
    named = Path(resolve(base)[0])
    weights = named if is_gguf(base) else named / "model.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest() if weights.exists() else base
