import os

import pytest

from bot.commands.maintain import login_name


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 4711"), OSError("No username set")])
def test_a_user_without_a_name_is_known_by_number(monkeypatch, error):
    def unknown():
        raise error

    monkeypatch.setattr("getpass.getuser", unknown)
    assert login_name() == f"uid {os.getuid()}"


def test_a_user_is_known_by_login(monkeypatch):
    monkeypatch.setenv("LOGNAME", "mo")
    assert login_name() == "mo"
