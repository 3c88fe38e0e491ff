"""The fakes and the contract lie beside this file."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import lark_rig  # noqa: F401 - puts its rig into RIGS, as the others do
import matrix_rig  # noqa: F401
import telegram_rig  # noqa: F401
import webhook_rig  # noqa: F401
from contract import RIGS


@pytest.fixture
async def rig(request, tmp_path, monkeypatch):
    made = RIGS[request.param](tmp_path, monkeypatch)
    made.fixture = request.getfixturevalue
    async with made as opened:
        yield opened
