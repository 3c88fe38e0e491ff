from dataclasses import asdict, replace
from pathlib import Path

from bot.guarantee import guarantees
from models.calibration import QuestionCalibration
from models.settings import load_settings

ASKS, NEEDS = load_settings(Path(__file__).parents[2] / "config.toml").questions
FITTED = QuestionCalibration(
    version=ASKS.version,
    reply_at=0.87,
    silence_at=0.08,
    labels=400,
    reply_risk=0.1,
    silence_risk=0.1,
    confidence=0.95,
    reply_shown=93,
    reply_errors=1,
    silence_shown=240,
    silence_errors=11,
    audit=True,
)


def test_what_is_guaranteed_is_said_with_the_labels_that_show_it() -> None:
    assert guarantees(ASKS, asdict(FITTED), first=True) == {
        "reply": "replies: at most 10 % unwarranted, at 95 % confidence, shown by 93 audit labels with 1 error; "
        "replies from 0.870",
        "silence": "silences: at most 10 % missed questions, at 95 % confidence, shown by 240 audit labels with 11 "
        "errors; stays silent up to 0.080",
    }


def test_rows_of_a_file_are_not_called_an_audit_sample() -> None:
    found = guarantees(ASKS, asdict(replace(FITTED, audit=False)), first=True)
    assert "93 labelled rows, if they are drawn as this group's bursts are," in found["reply"]
    older = guarantees(ASKS, asdict(replace(FITTED, reply_shown=0)), first=True)
    assert "does not say" in older["reply"]


def test_a_side_without_a_threshold_says_what_it_lacks() -> None:
    lacking = replace(FITTED, reply_at=None, reply_shown=0, reply_needed=12)
    assert guarantees(ASKS, asdict(lacking), first=True)["reply"].endswith("at least 12 more audit labels on this side")
    tightened = FITTED.within(replace(ASKS, reply_risk=0.01))
    found = guarantees(ASKS, asdict(tightened), first=True)
    assert found["reply"].startswith("replies: none of itself")
    assert "calibrate anew" in found["reply"]
    assert "at most 10 %" in found["silence"]


def test_other_questions_are_spoken_of_by_their_options() -> None:
    found = guarantees(NEEDS, asdict(FITTED), first=False)
    assert found["reply"].startswith("yes taken for sure: at most 15 % wrong")
    assert found["silence"].startswith("no taken for sure: at most 15 % wrong")
