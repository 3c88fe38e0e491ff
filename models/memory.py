"""How much memory the host has to spare."""

from pathlib import Path

MEMINFO = Path("/proc/meminfo")


def available_mb(meminfo: Path = MEMINFO) -> int | None:
    """Megabytes (2^20) that programs can still take without swapping, by the kernel's estimate; None where unknown."""
    try:
        lines = meminfo.read_text(encoding="ascii", errors="replace").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(found.split()[1]) // 1024
    except (OSError, StopIteration, IndexError, ValueError):
        return None
