import json
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner

from bot.cli import cli
from models.ids import BurstId, DatasetId, OptionId
from models.labels import Label
from models.settings import load_settings
from models.store import bursts, labels, suspects
from models.store.database import open_database
from models.suspects import Weighed
from tests.labeling.made import NOON, burst

ROOT = Path(__file__).parents[2]


def test_the_list_shows_ids_whole_and_what_was_written_only_if_asked(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text((ROOT / "config.toml").read_text())
    settings = load_settings(path)
    name = BurstId("b[/red]" + "0" * 24)

    def told(*more):
        return (
            CliRunner().invoke(cli, ["--config", str(path), "suspects", "list", *more], catch_exceptions=False).stdout
        )

    assert "no weighed label waits: `quandary cycle`" in told()
    one = Weighed(
        burst=name,
        question=settings.questions[0].id,
        question_version=settings.questions[0].version,
        given=OptionId("no"),
        suspected=OptionId("yes"),
        suspicion=0.4,
    )
    with closing(open_database(settings.data_dir)) as db:
        bursts.close(db, [burst("how do I?\nanybody?", name=name)])
        label = Label(
            burst=name,
            question=one.question,
            question_version=one.question_version,
            option=one.given,
            responses=1,
            labelled_at=NOON,
        )
        labels.put(db, [label])
        suspects.replace(db, DatasetId("d"), [one], NOON)
    assert "no label is suspect that was not sent yet" in told()
    assert "how do I?" not in told("--all")
    assert f"{name}: how do I? / anybody?\n" in told("--all", "--text")
    assert [row["text"] for row in json.loads(told("--all", "--text", "--json"))] == ["how do I?\nanybody?"]
