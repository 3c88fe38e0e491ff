import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import StoreError, TrainingError
from models.learning_lock import alone

HOLD = """
import sys
from pathlib import Path
from models.learning_lock import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_by_name_until_the_first_has_ended(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(TrainingError, match=f"process {first.pid}"), alone(tmp_path):
            pass
        first.kill()  # no chance to tidy up: the system lets go of the lock
    with alone(tmp_path):
        pass
    with alone(tmp_path):
        assert (tmp_path / "learning.lock").read_text() == f"{os.getpid()}\n"


def test_a_data_directory_that_the_lock_makes_is_private(tmp_path: Path) -> None:
    with alone(tmp_path / "var"):
        assert (tmp_path / "var").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can be written"), alone(tmp_path / "file" / "var"):
        pass
