"""How models are trained and judged."""

from typing import Annotated, Literal

from pydantic import Field

from models.settings.table import Count, Share, Table


class LadderSettings(Table):
    """The rungs of one model family, rising in size."""

    rungs: Annotated[tuple[str, ...], Field(min_length=1)] = ("starter-xs", "starter-s", "starter-m", "starter-l")


class TrainSettings(Table):
    """LoRA training; the defaults are the paper's (16 bursts a step, LoRA+)."""

    rank: Count = 64
    alpha: Count = 16
    dropout: Share = 0.05
    learning_rate: Annotated[float, Field(gt=0.0, lt=1.0)] = 2e-4
    plus_ratio: Annotated[float, Field(ge=1.0)] = 16.0
    epochs: Count = 1
    batch: Count = 16
    warmup_steps: Annotated[int, Field(ge=0)] = 10
    folds: Annotated[int, Field(ge=2)] = 2
    max_items: Annotated[int, Field(ge=0)] = 0
    select: Literal["all", "random", "margin", "learnability", "ifd"] = "all"
    select_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    drop_near_duplicates: bool = False
    balance: Literal["none", "rates", "even"] = "rates"
    quantization: Literal["f16", "q8_0", "q4_k_m"] = "q8_0"
    report_to: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ("tensorboard",)
    memory_gb: Annotated[float, Field(ge=0.0)] = 0.0
    seed: int = 0


class GateSettings(Table):
    """What a candidate must show."""

    min_labels: Count = 200
    holdout_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.3
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05
    margin: Share = 0.02
    max_flip_rate: Share = 0.02
    min_agreement: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.5
    max_label_noise: Share = 0.15
    max_label_bias: Share = 0.01
    max_overconfidence: Share = 0.1
    max_decision_ms: Annotated[float, Field(gt=0.0)] = 1000.0
    max_file_mib: Annotated[float, Field(gt=0.0)] = 8192.0
    max_obedience: Share = 0.1
