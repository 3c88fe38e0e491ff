from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from bot.cli import cli
from models.ids import BurstId
from models.store import bursts, decisions, requests, responses
from models.store.database import open_database, transaction
from tests.labeling.made import NOON, burst, request, response


def run(folder: Path, *words: str):
    (folder / "config.toml").write_text('data_dir = "var"\n')
    return CliRunner().invoke(cli, ["--config", str(folder / "config.toml"), "annotators", "effect", *words])


def test_without_a_promoted_model_it_says_what_cannot_be_known(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "var")) as db, transaction(db):
        bursts.close(db, [burst("how?")])
        requests.insert_request(db, request("r1"))
        responses.put(db, [response("ann", is_question="yes"), response("ben", is_question="yes")])
    shown = run(tmp_path, "ann").output
    assert "ann's answers: 0 that the newest model could learn from, 1 since" in shown
    assert "1 of 1 (100%)" in shown
    assert "ben" not in shown
    assert "no promoted model" in shown
    assert "everybody's answers" in run(tmp_path).output
    assert "nobody called eve" in str(run(tmp_path, "eve").exception)


def test_unsure_bursts_count_whether_they_were_asked_about_or_not(tmp_path: Path) -> None:
    reasons = ["unsure: is_question", "budget spent; unsure: is_question", "sure: is_question is no"]
    with closing(open_database(tmp_path)) as db:
        bursts.close(db, [burst("how?", name=f"b{n}") for n in range(4)])
        for n, reason in enumerate([*reasons, "sure: is_question is yes; unsure: needs_context"]):
            db.conn.execute(
                "INSERT INTO routes (burst, route, reason, audit, probability, routed_at) VALUES (?, ?, ?, 0, 1.0, ?)",
                [BurstId(f"b{n}"), "ask" if n == 0 else "pass", reason, NOON.timestamp()],
            )
        assert decisions.doubts(db, NOON, datetime.now(UTC)) == {"#ubuntu": (4, 2)}
        assert decisions.doubts(db, NOON + timedelta(seconds=1), datetime.now(UTC)) == {}
