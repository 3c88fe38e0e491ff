import stat
from pathlib import Path

import pytest

from labeling.server.secret_files import (
    CREDENTIALS,
    SESSION_KEY,
    ensure_credentials,
    ensure_session_key,
    load_credentials,
    write_private,
)
from models.errors import LabelingError


def test_secrets_are_random_private_and_stay(tmp_path: Path) -> None:
    assert load_credentials(tmp_path) is None
    made = ensure_credentials(tmp_path)
    assert ensure_credentials(tmp_path) == made == load_credentials(tmp_path)
    assert (made.username, len(made.password) >= 12, len(made.api_key) >= 40) == ("owner", True, True)
    key = ensure_session_key(tmp_path)
    assert ensure_session_key(tmp_path) == key
    for name in (CREDENTIALS, SESSION_KEY):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    (tmp_path / "other").mkdir()
    assert ensure_credentials(tmp_path / "other").password != made.password


@pytest.mark.parametrize("text", ["", "[]", '{"username": "owner"}', "\x00"])
def test_a_damaged_login_is_not_overwritten(tmp_path: Path, text: str) -> None:
    (tmp_path / CREDENTIALS).write_text(text)
    with pytest.raises(LabelingError, match="remove it"):
        ensure_credentials(tmp_path)
    assert (tmp_path / CREDENTIALS).read_text() == text


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]
