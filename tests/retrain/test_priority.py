import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.settings import TrainSettings
from retrain.priority import memory_bytes


def test_memory_is_what_is_configured_or_three_quarters_of_the_machine() -> None:
    assert memory_bytes(TrainSettings(memory_gb=2.5), 16_000) == 2_500_000_000
    assert memory_bytes(TrainSettings(), 16_000) == 12_000


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's order of who goes first is Linux's")
def test_a_run_is_nice_goes_first_and_stays_within_its_memory() -> None:
    told = """
import os, resource
from pathlib import Path
from models.settings import TrainSettings
from retrain.priority import step_back
before = os.nice(0)
step_back(TrainSettings(memory_gb=0.2))
print(os.nice(0) - before, Path("/proc/self/oom_score_adj").read_text().strip())
try:
    bytearray(300_000_000)
except MemoryError:
    print("bounded")
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=Path.cwd())
    nice, first, bounded = done.stdout.split()
    assert int(nice) == min(10, 19 - os.nice(0))
    assert (int(first), bounded) == (800, "bounded")
