"""config.toml as frozen settings, one file a group of tables; ``whole.py`` reads the file."""

from models.settings.answer import AnswerSettings
from models.settings.asking import ArgillaSettings, AskSettings, ScheduleSettings
from models.settings.chat import BurstSettings, ChatSettings
from models.settings.decide import DecideSettings, ServerSettings
from models.settings.lark import LarkSettings
from models.settings.learning import GateSettings, LadderSettings, TrainSettings
from models.settings.matrix import MatrixSettings
from models.settings.question import OptionTable, QuestionTable
from models.settings.rooms import Language, MannersSettings, Mode, RoomRules, Rooms, RoomTable
from models.settings.table import Count, Seconds, Share, Table
from models.settings.telegram import TelegramSettings
from models.settings.webhook import WebhookSettings
from models.settings.whole import Settings, load_settings, own_settings, secret

__all__ = [
    "AnswerSettings",
    "ArgillaSettings",
    "AskSettings",
    "BurstSettings",
    "ChatSettings",
    "Count",
    "DecideSettings",
    "GateSettings",
    "LadderSettings",
    "Language",
    "LarkSettings",
    "MannersSettings",
    "MatrixSettings",
    "Mode",
    "OptionTable",
    "QuestionTable",
    "RoomRules",
    "RoomTable",
    "Rooms",
    "ScheduleSettings",
    "Seconds",
    "ServerSettings",
    "Settings",
    "Share",
    "Table",
    "TelegramSettings",
    "TrainSettings",
    "WebhookSettings",
    "load_settings",
    "own_settings",
    "secret",
]
