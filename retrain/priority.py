"""Learning steps back behind the bot: last in line for the processor, first to go when memory runs out, and bounded."""

import os
import resource
from contextlib import suppress
from pathlib import Path

from models.settings import TrainSettings

NICE = 10
SACRIFICE = "800"
"""Of 1000: the kernel ends the learning side, which goes on where it was, long before the bot."""
SHARE = 0.75
"""Of the machine's memory that a run may take where config.toml states no limit."""


def step_back(train: TrainSettings) -> None:
    """Lower this process's priority and bound its memory by ``train.memory_gb``."""
    os.nice(NICE)
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text(SACRIFICE, encoding="ascii")
    bound_memory(memory_bytes(train, machine_bytes()))


def memory_bytes(train: TrainSettings, machine: int) -> int:
    """How much a run may take: what is configured, or three quarters of the machine."""
    return int(train.memory_gb * 1e9) if train.memory_gb else int(SHARE * machine)


def machine_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def bound_memory(most: int) -> None:
    """Let this process ask for at most so many bytes of its own; files that it only maps do not count."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
