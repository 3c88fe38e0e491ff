import sys

import pytest
from bot_fakes import REPO
from fake_hook import SECRET
from fake_telegram import TOKEN

from bot.adapters import FACTORIES, ConsoleChat, ReplayChat, open_adapter
from bot.adapters.lark import LarkChat
from bot.adapters.matrix import MatrixChat
from bot.adapters.telegram import TelegramChat
from bot.adapters.webhook import WebhookChat
from models.errors import SettingsError
from models.settings import ChatSettings, load_settings

SECRETS = {
    "QUANDARY_MATRIX_TOKEN": "syt_x",
    "QUANDARY_TELEGRAM_TOKEN": TOKEN,
    "QUANDARY_LARK_SECRET": "x",
    "QUANDARY_LARK_ENCRYPT_KEY": "x",
    "QUANDARY_WEBHOOK_SECRET": SECRET,
}


def named(settings, name, path=None):
    return settings.model_copy(update={"chat": ChatSettings(adapter=name, path=path)})


KINDS = {
    "console": ConsoleChat,
    "replay": ReplayChat,
    "matrix": MatrixChat,
    "telegram": TelegramChat,
    "lark": LarkChat,
    "webhook": WebhookChat,
}


def test_this_file_knows_every_adapter():
    assert KINDS.keys() == FACTORIES.keys()


@pytest.mark.parametrize("name", KINDS)
async def test_every_adapter_is_made_from_settings_by_its_name(settings, excerpt, monkeypatch, name):
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    adapter = open_adapter(named(settings, name, excerpt))
    assert isinstance(adapter, KINDS[name])
    assert adapter.name == name


@pytest.mark.parametrize("name", ["matrix", "telegram", "lark", "webhook"])
def test_without_its_secret_none_is_made_and_the_variable_is_named(settings, monkeypatch, name):
    for variable in SECRETS:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(SettingsError, match=f"QUANDARY_{name.upper()}_"):
        open_adapter(named(settings, name))


@pytest.mark.parametrize("name", ["matrix", "telegram", "lark"])
def test_where_its_library_is_missing_the_extra_is_named(settings, monkeypatch, name):
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setitem(sys.modules, f"bot.adapters.{name}", None)
    with pytest.raises(SettingsError, match=rf'pip install "quandary\[{name}\]"'):
        open_adapter(named(settings, name))


def test_lark_needs_the_apps_id(tmp_path):
    text = (REPO / "config.toml").read_text(encoding="utf-8")
    (tmp_path / "config.toml").write_text(text.replace('adapter = "console"', 'adapter = "lark"'), encoding="utf-8")
    with pytest.raises(SettingsError, match="App ID"):
        load_settings(tmp_path / "config.toml")
