from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from models.errors import SettingsError
from models.settings import TrainSettings
from retrain.curves import curves
from retrain.fit import schedule
from retrain.lora import train_adapter
from tests.retrain.conftest import IS_QUESTION, make_item


def points(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard files hold, read by their documented framing: length, checksum, event, checksum."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in sorted(folder.rglob("events.out.tfevents.*")):
        body, at = path.read_bytes(), 0
        while at < len(body):
            length = int.from_bytes(body[at : at + 8], "little")
            event = Event.FromString(body[at + 12 : at + 12 + length])
            at += 16 + length
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_a_training_leaves_loss_and_learning_rate(checkpoint: Path, tmp_path: Path) -> None:
    settings = TrainSettings(rank=2, learning_rate=1e-3, batch=8, epochs=2, warmup_steps=1)
    with curves(settings, tmp_path / "curves" / "dataset")("rung.fold-1") as curve:
        train_adapter(
            checkpoint,
            [make_item(i) for i in range(24)],
            (IS_QUESTION,),
            settings,
            out=tmp_path / "adapter",
            work=tmp_path / "work",
            budget=500,
            curve=curve,
        )
    found = points(tmp_path / "curves" / "dataset" / "rung.fold-1")
    assert set(found) == {"train/loss", "train/learning_rate"}
    assert [step for step, _ in found["train/loss"]] == [1, 2, 3, 4, 5, 6]
    rates = [rate for _, rate in found["train/learning_rate"]]
    assert rates == pytest.approx([1e-3 * schedule(step, 6, 1) for step in range(6)])
    assert all(0 < loss < 10 for _, loss in found["train/loss"])


def test_no_trackers_leave_no_files(tmp_path: Path) -> None:
    with curves(TrainSettings(report_to=()), tmp_path / "curves")("rung") as curve:
        curve(1, {"train/loss": 1.0})
    assert not (tmp_path / "curves").exists()


def test_a_missing_package_is_said_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.curves.find_spec", lambda _name: None)
    for kind in ("tensorboard", "wandb", "mlflow"):
        with pytest.raises(SettingsError, match=f"pip install .*{kind}|{kind}.* is not installed"):
            curves(TrainSettings(report_to=(kind,)), tmp_path)
