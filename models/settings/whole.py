"""config.toml as frozen settings; every fault is reported at once, with its path."""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from models.contradictions import contradictions
from models.errors import SettingsError
from models.question import Question
from models.settings.answer import AnswerSettings
from models.settings.asking import ArgillaSettings, AskSettings, ScheduleSettings
from models.settings.chat import BurstSettings, ChatSettings
from models.settings.decide import DecideSettings
from models.settings.fault import fault, is_echo, reworded
from models.settings.lark import LarkSettings
from models.settings.learning import GateSettings, LadderSettings, TrainSettings
from models.settings.matrix import MatrixSettings
from models.settings.question import QuestionTable, shipped_questions
from models.settings.rooms import MannersSettings, Rooms, RoomTable
from models.settings.table import Table
from models.settings.telegram import TelegramSettings
from models.settings.webhook import WebhookSettings
from models.settings.wordings import overlaid, read_adopted


class Settings(Table):
    """All of config.toml. Paths that were relative are relative to the file's folder."""

    data_dir: Path = Path("var")
    chat: ChatSettings = ChatSettings()
    matrix: MatrixSettings = MatrixSettings()
    telegram: TelegramSettings = TelegramSettings()
    lark: LarkSettings = LarkSettings()
    webhook: WebhookSettings = WebhookSettings()
    burst: BurstSettings = BurstSettings()
    decide: DecideSettings = DecideSettings()
    ask: AskSettings = AskSettings()
    argilla: ArgillaSettings = ArgillaSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    ladder: LadderSettings = LadderSettings()
    train: TrainSettings = TrainSettings()
    gate: GateSettings = GateSettings()
    answer: AnswerSettings = AnswerSettings()
    manners: MannersSettings = MannersSettings()
    room: tuple[RoomTable, ...] = ()
    question: Annotated[tuple[QuestionTable, ...], Field(min_length=1, default_factory=shipped_questions)]

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults(cls, tables: Any, check: Callable[[Any], Self]) -> Self:
        """Report what contradicts itself together with what is wrong by itself."""
        contrary = contradictions(tables) if isinstance(tables, Mapping) else []
        faults: list[InitErrorDetails] = [fault(*one, tables) for one in contrary]
        try:
            settings = check(tables)
        except ValidationError as error:
            faults = [reworded(e, cls) for e in error.errors() if not is_echo(e)] + faults
            raise ValidationError.from_exception_data("config.toml", faults) from error
        if faults:
            raise ValidationError.from_exception_data("config.toml", faults)
        return settings

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions as records, in the order in which they are asked."""
        return tuple(table.question() for table in self.question)

    def rooms(self) -> Rooms:
        """What holds in which room; make it once and keep it, for it remembers what it has looked up."""
        return Rooms(self.manners, self.room)


def load_settings(path: Path) -> Settings:
    """Read config.toml and lay adopted wordings over its questions; raises SettingsError naming every fault."""
    settings = own_settings(path)
    return settings.model_copy(update={"question": overlaid(settings.question, read_adopted(settings.data_dir))})


def own_settings(path: Path) -> Settings:
    """Read config.toml alone, in its own words; raises SettingsError naming every fault with its path in the file."""
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
            "decide": _located(settings.decide, base),
            "ladder": LadderSettings(rungs=tuple(_found(rung, base) for rung in settings.ladder.rungs)),
        }
    )


def _located(decide: DecideSettings, base: Path) -> DecideSettings:
    server = decide.server
    found = {
        "model": _found(decide.model, base),
        "cascade": decide.cascade and _found(decide.cascade, base),
        "server": server.model_copy(update={"tokenizer": server.tokenizer and _found(server.tokenizer, base)}),
    }
    return decide.model_copy(update=found)


def _found(name: str, base: Path) -> str:
    """A model's name; where it is a file or folder beside config.toml, its whole path. Built-in names stay."""
    path = base / Path(name).expanduser()
    return name if name.startswith("starter") or not path.exists() else str(path)


def secret(name: str | None) -> str | None:
    """Read a secret from the environment variable that config.toml names; raises SettingsError if it is not set.

    White space around it is not part of it: files end with a newline.
    """
    if name is None:
        return None
    value = os.environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"the environment variable {name}, which config.toml names, is not set")
    return value
