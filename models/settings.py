"""config.toml as frozen settings; every fault is reported at once, with its path."""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from models.contradictions import contradictions
from models.errors import SettingsError
from models.ids import OptionId, QuestionId
from models.question import Option, Question

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]


class Table(BaseModel):
    """A table of config.toml: frozen, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChatSettings(Table):
    """Where messages come from."""

    adapter: Literal["console", "replay"] = "console"
    path: Path | None = None
    speed: Annotated[float, Field(ge=0.0)] = 0.0


class BurstSettings(Table):
    """When a member's messages are one burst."""

    gap_s: Seconds = 12.0
    max_age_s: Seconds = 120.0
    max_messages: Count = 20
    max_chars: Count = 4000
    window: Annotated[int, Field(ge=0, le=12)] = 12


class DecideSettings(Table):
    """Which model decides, and what it may use."""

    model: str = "starter"
    threads: Count = 2
    max_prompt_tokens: Annotated[int, Field(ge=160, le=8192)] = 420


class AskSettings(Table):
    """How many bursts people are asked about."""

    daily_budget: Annotated[int, Field(ge=0)] = 100
    audit_share: Share = 0.05
    audit_block_minutes: Count = 30
    suggestions: bool = True
    seed: int = 0


class ArgillaSettings(Table):
    """The labelling server: one that runs (url, api_key_env), or the embedded one (port)."""

    url: str | None = None
    api_key_env: str | None = None
    port: Annotated[int, Field(ge=0, le=65535)] = 6900
    overlap: Count = 1


class ScheduleSettings(Table):
    """What happens by itself, and when."""

    pull_s: Seconds = 30.0
    top_up_s: Seconds = 15.0
    retrain_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "03:00"
    retrain_after_labels: Count = 200
    retention_days: Count = 90


class LadderSettings(Table):
    """The rungs of one model family, rising in size."""

    rungs: Annotated[tuple[str, ...], Field(min_length=1)] = ("starter-xs", "starter-s", "starter-m", "starter-l")


class TrainSettings(Table):
    """LoRA training."""

    rank: Count = 64
    alpha: Count = 16
    dropout: Share = 0.05
    learning_rate: Annotated[float, Field(gt=0.0, lt=1.0)] = 2e-4
    plus_ratio: Annotated[float, Field(ge=1.0)] = 16.0
    epochs: Count = 3
    batch: Count = 16
    warmup_steps: Annotated[int, Field(ge=0)] = 10
    folds: Annotated[int, Field(ge=2)] = 2
    max_items: Annotated[int, Field(ge=0)] = 0
    quantization: Literal["f16", "q8_0", "q4_k_m"] = "q8_0"
    seed: int = 0


class GateSettings(Table):
    """What a candidate must show."""

    min_labels: Count = 200
    holdout_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.3
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05
    margin: Share = 0.02
    max_flip_rate: Share = 0.02


class AnswerSettings(Table):
    """Who answers questions: an OpenAI-compatible endpoint, or nobody."""

    url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    timeout_s: Seconds = 30.0


class OptionTable(Table):
    """One option of a question."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    wording: Annotated[str, Field(min_length=1, max_length=80)]


class QuestionTable(Table):
    """One [[question]]."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    text: Annotated[str, Field(min_length=1, max_length=200)]
    definition: Annotated[str, Field(min_length=1, max_length=600)]
    options: Annotated[tuple[OptionTable, ...], Field(min_length=2, max_length=8)]
    positive: str
    abstain: str | None = None
    after: dict[str, str] = {}
    guidelines: str = ""
    reply_risk: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    silence_risk: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    confidence: Annotated[float, Field(ge=0.5, lt=1.0)] = 0.95

    def question(self) -> Question:
        """Make the record that everything else uses."""
        return Question(
            id=QuestionId(self.id),
            text=self.text,
            definition=self.definition,
            options=tuple(Option(id=OptionId(o.id), wording=o.wording) for o in self.options),
            positive=OptionId(self.positive),
            abstain=OptionId(self.abstain) if self.abstain is not None else None,
            after={QuestionId(q): OptionId(o) for q, o in self.after.items()},
            guidelines=self.guidelines.strip(),
            reply_risk=self.reply_risk,
            silence_risk=self.silence_risk,
            confidence=self.confidence,
        )


class Settings(Table):
    """All of config.toml. Paths that were relative are relative to the file's folder."""

    data_dir: Path = Path("var")
    chat: ChatSettings = ChatSettings()
    burst: BurstSettings = BurstSettings()
    decide: DecideSettings = DecideSettings()
    ask: AskSettings = AskSettings()
    argilla: ArgillaSettings = ArgillaSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    ladder: LadderSettings = LadderSettings()
    train: TrainSettings = TrainSettings()
    gate: GateSettings = GateSettings()
    answer: AnswerSettings = AnswerSettings()
    question: Annotated[tuple[QuestionTable, ...], Field(min_length=1)]

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults(cls, tables: Any, check: Callable[[Any], Self]) -> Self:
        """Report what contradicts itself together with what is wrong by itself."""
        contrary = contradictions(tables) if isinstance(tables, Mapping) else []
        faults: list[InitErrorDetails] = [_fault(*fault, tables) for fault in contrary]
        try:
            settings = check(tables)
        except ValidationError as error:
            faults = [_fault(e["loc"], e["msg"], e["input"]) for e in error.errors() if not _is_echo(e)] + faults
            raise ValidationError.from_exception_data("config.toml", faults) from error
        if faults:
            raise ValidationError.from_exception_data("config.toml", faults)
        return settings

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions as records, in the order in which they are asked."""
        return tuple(table.question() for table in self.question)


def load_settings(path: Path) -> Settings:
    """Read config.toml; raises SettingsError naming every fault with its path in the file."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no settings file at {path}; copy config.toml there or pass --config") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} is not readable as TOML: {error}") from error
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        faults = [f"  {'.'.join(str(p) for p in e['loc']) or '(file)'}: {e['msg']}" for e in error.errors()]
        raise SettingsError(f"{path} has {len(faults)} fault(s):\n" + "\n".join(faults)) from error
    base = path.resolve().parent
    chat = settings.chat
    if chat.path is not None:
        chat = chat.model_copy(update={"path": base / chat.path})
    return settings.model_copy(
        update={
            "data_dir": base / settings.data_dir.expanduser(),
            "chat": chat,
            "decide": settings.decide.model_copy(update={"model": _found(settings.decide.model, base)}),
            "ladder": LadderSettings(rungs=tuple(_found(rung, base) for rung in settings.ladder.rungs)),
        }
    )


def _fault(where: tuple[str | int, ...], said: str, value: object) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("fault", "{said}", {"said": said}), loc=where, input=value)


def _is_echo(error: ErrorDetails) -> bool:
    """Tell whether a list is called too short only because its items have faults, which are reported anyway."""
    if error["type"] != "too_short" or not isinstance(error["input"], list | tuple):
        return False
    return len(error["input"]) >= int(error["ctx"]["min_length"])


def _found(name: str, base: Path) -> str:
    """A model's name; where it is a file or folder beside config.toml, its whole path. Built-in names stay."""
    path = base / Path(name).expanduser()
    return name if name.startswith("starter") or not path.exists() else str(path)


def secret(name: str | None) -> str | None:
    """Read a secret from the environment variable that config.toml names; raises SettingsError if it is not set."""
    if name is None:
        return None
    value = os.environ.get(name)
    if not value:
        raise SettingsError(f"the environment variable {name}, which config.toml names, is not set")
    return value
