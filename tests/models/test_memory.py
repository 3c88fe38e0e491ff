"""Available memory is read from the kernel's account, or unknown."""

from models.memory import MEMINFO, available_mb


def test_megabytes_are_read_and_what_is_not_there_is_unknown(tmp_path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    2097152 kB\n")
    assert available_mb(tmp_path / "meminfo") == 2048
    for number, text in enumerate(["", "MemAvailable:", "MemAvailable: many kB"]):
        path = tmp_path / str(number)
        path.write_text(text)
        assert available_mb(path) is None
    assert available_mb(tmp_path / "nowhere") is None
    assert (available_mb() is None) == (not MEMINFO.exists())
