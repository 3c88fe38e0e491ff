"""``quandary selection``, as it is typed."""

import json
from contextlib import closing
from dataclasses import replace

from click.testing import CliRunner

from bot.cli import cli
from models.selection import Why
from models.store import selection
from models.store.database import open_database
from tests.models.made import RUN, SCORE


def told(path, *words):
    ended = CliRunner().invoke(cli, ["--config", str(path), "selection", *words], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_it_says_what_was_trained_on_and_why_not_the_rest(house):
    path, settings = house
    assert "`quandary cycle` does it" in told(path)
    assert json.loads(told(path, "--json")) is None
    with closing(open_database(settings.data_dir)) as db:
        selection.put(db, RUN, [SCORE, replace(SCORE, burst="b", why=Why.HARD), replace(SCORE, burst="c")])
        selection.put_picture(db, RUN.dataset, "candidates/c/selection.png")
    shown = told(path)
    assert "0.5 of the labels by learnability, even, near-duplicates" in " ".join(shown.split())
    assert "IFD carries nothing" in shown
    assert "selection.png" in shown
    found = json.loads(told(path, "--json"))
    assert found["labels"]["is_question"] == dict.fromkeys(Why, 0) | {"kept": 2, "too hard": 1}
    assert "scores" not in found
    whole = json.loads(told(path, "--json", "--labels"))
    assert [score["burst"] for score in whole["scores"]] == ["a", "b", "c"]
    assert "0.300" in told(path, "--labels")
