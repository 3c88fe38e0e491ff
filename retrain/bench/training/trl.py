"""The arms with TRL's SFTTrainer, in its home: ``python -m retrain.bench.training.trl`` reads a task from stdin."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from retrain.bench.training.task import (
    PAPER,
    Moment,
    Task,
    checkpoint_of,
    default_questions,
    moment,
    peak_bytes,
    rows_of,
)
from retrain.score import fast_bf16

IGNORED = -100


class Ends(TrainerCallback):
    """Notes when steps end."""

    def __init__(self) -> None:
        self.at: list[Moment] = []

    def on_step_end(self, *_state: Any, **_named: Any) -> None:
        """A step ended: weights are moved."""
        self.at.append(moment())


def run(task: Task, work: Path) -> list[Moment]:
    """Train and return the moments at which steps ended.

    The rows are tokenized, labelled at the answer only, and taken in the order given. All that TRL does beside
    training is off: saving, logging, bars.
    """
    checkpoint = checkpoint_of(task)
    _, loss, memory = task.arm.split()
    rows = rows_of(task, default_questions(), checkpoint.tokenizer)
    columns = [
        {"input_ids": [*row.ids, row.answer], "labels": [*(IGNORED for _ in row.ids), row.answer]} for row in rows
    ]
    config = SFTConfig(
        output_dir=str(work),
        loss_type=loss,
        completion_only_loss=None,
        gradient_checkpointing=memory == "checkpointing",
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential",
        per_device_train_batch_size=task.batch,
        num_train_epochs=1,
        learning_rate=PAPER.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=PAPER.warmup_steps,
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=task.seed,
        use_cpu=True,
        bf16=fast_bf16("cpu"),
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    lora = LoraConfig(
        r=PAPER.rank,
        lora_alpha=PAPER.alpha,
        lora_dropout=PAPER.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    ends = Ends()
    trainer = SFTTrainer(
        model=checkpoint.causal,
        args=config,
        train_dataset=Dataset.from_list(columns),
        processing_class=checkpoint.tokenizer.inner,
        peft_config=lora,
        callbacks=[ends],
    )
    trainer.train()
    return ends.at


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = run(Task.read(sys.stdin.read()), Path(folder))
    print(json.dumps({"ends": found, "peak_bytes": peak_bytes()}))
