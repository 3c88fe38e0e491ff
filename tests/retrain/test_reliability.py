import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.errors import ExportError, InputError
from models.metrics import calibration_error
from models.toml import dump_settings
from retrain.candidate import export_named
from retrain.cli import cli
from retrain.judged import scored
from retrain.reliability import bins, deal, draw_reliability, reliability
from tests.retrain.conftest import make_settings
from tests.retrain.test_calibrate import drawn, rows_of


def test_an_overconfident_model_is_mended_by_a_temperature_from_other_conversations() -> None:
    scores, gold = drawn(np.random.default_rng(0), 800, 2.0)
    found = reliability(rows_of(scores * 4, gold), 2, 0)
    assert found.before.ece > 0.1
    assert found.after.ece < found.before.ece / 2
    assert found.after.log_loss < found.before.log_loss
    assert found.temperatures == pytest.approx((4, 4), rel=0.25)
    assert found.after.ece_interval is not None
    assert found.after.ece_interval[0] <= found.after.ece <= found.after.ece_interval[1] + 0.02


def test_a_conversation_is_judged_at_a_temperature_that_it_had_no_part_in() -> None:
    """One half is right, the other wrong in all: each half's temperature must come from the other."""
    scores = np.tile([[0.0, -3.0, -9.0]], (40, 1))
    rows = replace(rows_of(scores, np.array([0] * 20 + [1] * 20)), conversations=tuple(["right"] * 20 + ["wrong"] * 20))
    cold, hot = sorted(reliability(rows, 2, 0).temperatures)
    assert cold < 1 < hot
    parts = deal(rows.conversations, 2)
    found = reliability(rows, 2, 0)
    assert found.temperatures[parts[0]] == hot, "the right half is judged at what the wrong half says"


def test_bins_hold_everything_and_give_the_calibration_error() -> None:
    scores, gold = drawn(np.random.default_rng(1), 300)
    columns = scored(rows_of(scores, gold))
    found = bins(columns)
    assert sum(b.count for b in found) == 300
    assert sum(b.share * abs(b.right - b.confidence) for b in found) == pytest.approx(calibration_error(columns))


def test_conversations_are_dealt_out_whole_and_evenly() -> None:
    names = [f"c{i % 7}" for i in range(70)]
    parts = deal(names, 3)
    assert len({(name, part) for name, part in zip(names, parts.tolist(), strict=True)}) == 7
    assert np.bincount(parts).tolist() == [30, 20, 20]
    with pytest.raises(InputError, match="cannot be parted"):
        deal(["one"] * 9, 2)


def test_a_diagram_is_drawn_or_nothing_is_left(tmp_path: Path) -> None:
    scores, gold = drawn(np.random.default_rng(0), 100)
    found = [reliability(rows_of(scores, gold), 2, 0)]
    assert draw_reliability(found, tmp_path / "new" / "r.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="nothing was changed"):
        draw_reliability(found, tmp_path / "file" / "r.png")


def test_the_command_measures_the_served_file(tmp_path: Path, checkpoint: Path) -> None:
    model = export_named(str(checkpoint), None, tmp_path / "tiny.gguf", "q8_0")
    (tmp_path / "config.toml").write_text(dump_settings(make_settings(tmp_path, (checkpoint,), model)))
    rows = [
        {"id": i, "room": f"r{i % 4}", "text": f"say {i}?", "is_question": "yes" if i % 2 else "no"} for i in range(16)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = [str(model), str(tmp_path / "rows.jsonl"), "--config", str(tmp_path / "config.toml")]
    ended = CliRunner().invoke(
        cli, ["reliability", *common, "--diagram", str(tmp_path / "r.png"), "--json"], catch_exceptions=False
    )
    [found] = json.loads(ended.stdout)
    assert (found["question"], found["labels"], found["conversations"]) == ("is_question", 16, 4)
    assert found["before"]["ece_interval"] is None
    assert (tmp_path / "r.png").exists()
    assert not (tmp_path / "tiny.calibration.json").exists()
