import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bot.commands.evaluate import report, show
from bot.evaluate import evaluate, score
from bot.model_file import model_file
from models.chat import Burst
from models.decision import Decision
from models.errors import InputError, ModelError
from models.item import Item
from models.settings import load_settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SETTINGS = load_settings(Path(__file__).parents[2] / "config.toml")
QUESTION = SETTINGS.questions[1]


def item(number: int, answer: str, weight: float = 1.0) -> Item:
    burst = Burst(
        id=f"b{number}", room="r", sender="u", text=f"text {number}", window=(), started_at=NOON, ended_at=NOON
    )
    return Item(burst=burst, answers={QUESTION.id: answer}, conversation=f"c{number % 2}", weight=weight)


class Says:
    """A decider that reads its probability of yes, and what it is sure of, from a table."""

    revision = "r1"

    def __init__(self, table: dict[str, tuple[float, str | None]]) -> None:
        self.table = table

    def decide(self, bursts):
        return [(self._decision(b), self._decision(b)) for b in bursts]

    def close(self) -> None: ...

    def _decision(self, burst: Burst) -> Decision:
        yes, sure = self.table[burst.id]
        return Decision(
            burst=burst.id, question=QUESTION.id, question_version="v",
            probabilities={"yes": yes * 0.8, "no": (1 - yes) * 0.8, "unsure": 0.2}, margin=0.1, sure=sure,
            revision="r1", milliseconds=1.0, decided_at=NOON,
        )  # fmt: skip


def test_figures_weigh_rows_and_leave_abstentions_out() -> None:
    items = [item(0, "yes"), item(1, "no", 3.0), item(2, "yes"), item(3, "unsure")]
    decider = Says({"b0": (0.9, "yes"), "b1": (0.8, "yes"), "b2": (0.3, None), "b3": (0.5, None)})
    found = evaluate(items, QUESTION, 1, decider)
    assert found.left_out == 1
    assert found.figures["n"] == 3
    assert found.figures["precision"] == pytest.approx(1 / 4)
    assert found.figures["recall"] == pytest.approx(1 / 2)
    assert found.figures["ask_rate"] == pytest.approx(1 / 5)
    assert found.figures["reply_error"] == pytest.approx(3 / 4)
    assert found.figures["silence_error"] is None
    assert found.intervals == {"f1": None, "macro_f1": None}
    assert report(found, Path("m.gguf"))["interval_95"] == {"f1": None, "macro_f1": None}
    json.dumps(found.figures)


def test_intervals_take_five_conversations(capsys) -> None:
    items = [replace(item(n, "yes" if n % 2 else "no"), conversation=f"c{n % 5}") for n in range(10)]
    decider = Says({f"b{n}": (0.9 if n % 3 else 0.1, "yes") for n in range(10)})
    for kept, known in ((items, True), (items[:4], False)):
        found = evaluate(kept, QUESTION, 1, decider)
        assert [bounds is not None for bounds in found.intervals.values()] == [known, known]
        show(found, Path("m.gguf"))
        assert ("[-]" in capsys.readouterr().out) != known


def test_the_positive_probability_leaves_abstaining_out() -> None:
    scored = score([item(0, "yes")], [Says({"b0": (0.9, None)}).decide([item(0, "yes").burst])[0][1]], QUESTION)
    assert scored.positive == pytest.approx(np.array([0.9]))


def test_a_file_without_the_question_is_explained() -> None:
    with pytest.raises(InputError, match="--question"):
        evaluate([item(0, "unsure")], QUESTION, 1, Says({}))


def test_a_model_that_does_not_exist_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model at"):
        model_file(str(tmp_path / "none"), SETTINGS)


def test_a_checkpoint_is_converted_once(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"data_dir": tmp_path})
    first = model_file("starter-base-s", settings)
    assert first.read_bytes()[:4] == b"GGUF"
    stamp = first.stat().st_mtime_ns
    assert model_file("starter-base-s", settings) == first
    assert first.stat().st_mtime_ns == stamp
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_broken_checkpoint_is_explained(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"no weights")
    settings = SETTINGS.model_copy(update={"data_dir": tmp_path})
    with pytest.raises(ModelError, match="could not be converted"):
        model_file(str(tmp_path / "broken"), settings)
