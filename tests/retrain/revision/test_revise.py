"""A revision round from the command line: tried on the same labels, adopted, remembered, taken back."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from models.ids import CandidateId, OptionId
from models.item import Item
from models.labels import Label
from models.revision import RungReading
from models.settings import Settings, load_settings
from models.store import labels, revisions
from models.store.database import open_database
from models.toml import dump_settings
from retrain.cli import cli
from retrain.judged import Judged, judged
from retrain.revision.trial import trial
from tests.retrain.conftest import IS_QUESTION, fill_store, make_checkpoint, make_item, make_settings

OTHER = "Does it want something?"


@pytest.fixture(scope="module")
def rungs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("family")
    return tuple(make_checkpoint(folder / f"rung-{width}", width=width) for width in (32, 48, 64))


@pytest.fixture
def settings(rungs: tuple[Path, ...], tmp_path: Path) -> Settings:
    """Sixty labelled bursts, and config.toml beside them."""
    made = make_settings(tmp_path, rungs, rungs[0])
    fill_store(made, [make_item(i) for i in range(60)])
    (tmp_path / "config.toml").write_text(dump_settings(made))
    return made


def run(folder: Path, *words: str, typed: str = "") -> Result:
    config = ["--config", str(folder / "config.toml")]
    return CliRunner().invoke(cli, ["revise", *words, *config], input=typed, catch_exceptions=False)


def asked(folder: Path) -> str:
    return load_settings(folder / "config.toml").questions[0].text


def test_a_wording_is_tried_beside_the_present_one_and_nothing_changes(settings: Settings, tmp_path: Path) -> None:
    before = (tmp_path / "config.toml").read_bytes()
    done = run(
        tmp_path, "is_question", "--text", OTHER, "--option", "yes=it does", "--items", "20", "--dry-run", "--json"
    )
    found = json.loads(done.stdout)
    assert (found["labels_stale"], found["labels_in_new_words"]) == (60, 0)
    assert found["trial"]["labels"] == 20
    assert [one["new"]["parameters"] for one in found["trial"]["rungs"]] == sorted(
        one["old"]["parameters"] for one in found["trial"]["rungs"]
    )
    assert all(one["gold"]["low"] <= one["gold"]["value"] <= one["gold"]["high"] for one in found["trial"]["rungs"])
    assert all(one["old"]["gold"] != one["new"]["gold"] for one in found["trial"]["rungs"])
    assert asked(tmp_path) == IS_QUESTION.text
    assert (tmp_path / "config.toml").read_bytes() == before
    told = run(tmp_path, "is_question", "--text", OTHER, "--items", "20", "--rungs", "1", typed="n\n").output
    assert "60 labels of is_question become stale" in told
    assert "nothing was changed" in told
    assert asked(tmp_path) == IS_QUESTION.text


def test_rounds_are_adopted_remembered_drawn_and_taken_back(settings: Settings, tmp_path: Path) -> None:
    before = (tmp_path / "config.toml").read_bytes()
    (tmp_path / "words.toml").write_text(f'text = "{OTHER}"\n[options]\nyes = "it does"\n')
    quick = ("--items", "0", "--adopt", "--by", "ann")
    assert run(tmp_path, "is_question", "--from", str(tmp_path / "words.toml"), *quick, "--why", "short").exit_code == 0
    assert asked(tmp_path) == OTHER
    assert run(tmp_path, "is_question", "--text", "Is it a question?", *quick).exit_code == 0
    first, second = load_settings(tmp_path / "config.toml").questions[0], IS_QUESTION
    at = datetime(2026, 3, 1, tzinfo=UTC)
    with closing(open_database(settings.data_dir)) as db:
        made = revisions.rounds(db, IS_QUESTION.id)
        assert [(one.round, one.old.text, one.new.text, one.labels) for one in made] == [
            (1, second.text, OTHER, 60),
            (2, OTHER, first.text, 0),
        ]
        assert (made[0].by, made[0].why, made[0].new.options["yes"]) == ("ann", "short", "it does")
        for number, option in enumerate(("no", "no", "yes")):  # the first and the last were "yes"
            again = Label(
                burst=make_item(number).burst.id,
                question=IS_QUESTION.id,
                question_version=made[0].new_version,
                option=OptionId(option),
                responses=1,
                labelled_at=at + timedelta(days=1),
            )
            labels.put(db, [again])
        since = revisions.relabelled(db, made[0])
        assert (since.both, since.changed) == (3, 1)
        assert revisions.relabelled(db, made[1]).share is None
        read = [RungReading(arm="vanilla", rung="s", parameters=9, items=3, macro_f1=0.5, gold=-1.0)]
        revisions.fill_after(db, IS_QUESTION.id, made[1].new_version, read, CandidateId("c1"))
        revisions.fill_after(db, IS_QUESTION.id, made[1].new_version, [], CandidateId("c2"))
        last = revisions.rounds(db)[-1]
        assert (last.after, last.after_candidate) == (tuple(read), "c1")
    shown = json.loads(run(tmp_path, "--history", "--json").stdout)
    assert [one["labels_since"]["changed"] for one in shown["rounds"]] == [1, 0]
    assert Path(shown["picture"]).read_bytes().startswith(b"\x89PNG")
    told = run(tmp_path, "is_question", "--history").output
    assert "1 of 3 (33%)" in told
    assert f"  text: {IS_QUESTION.text!r}\n     -> {made[0].new.text!r}\n" in told
    for text in (OTHER, IS_QUESTION.text):
        assert run(tmp_path, "is_question", "--back", "--adopt").exit_code == 0
        assert asked(tmp_path) == text
    assert json.loads((settings.data_dir / "wordings.json").read_text()) == {}
    assert (tmp_path / "config.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("other", "--text", "x"), "there is no question 'other'; there are: is_question"),
        ((), "name the question whose words are tried"),
        (("is_question",), "these are the words of is_question as they are"),
        (("is_question", "--option", "maybe=x"), "has no option maybe"),
        (("is_question", "--option", "yes"), "is not of the form ID=WORDING"),
        (("is_question", "--text", "x" * 201), "text: String should have at most 200"),
        (("is_question", "--back"), "there is no way back"),
        (("needs_context", "--text", "Alone?", "--items", "9"), "comparing wordings needs"),
    ],
)
def test_what_cannot_be_revised_says_why(settings: Settings, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    with pytest.raises(Exception, match=told):
        run(tmp_path, *words)
    assert asked(tmp_path) == IS_QUESTION.text


def readings(items: list[Item], knows: float, rng: np.random.Generator) -> Judged:
    scores = {}
    for item in items:
        right = [option.id for option in IS_QUESTION.options].index(item.answers[IS_QUESTION.id])
        noise = rng.normal(size=3)
        noise[right] += knows
        scores[item.burst.id] = list(noise)
    return judged(IS_QUESTION, items, scores)


def test_a_clearer_wording_is_told_from_the_old_one_and_from_chance() -> None:
    items = [make_item(i) for i in range(300)]
    rng = np.random.default_rng(1)
    old = [readings(items, knows, rng) for knows in (0.2, 0.4, 0.6)]
    new = [readings(items, knows, rng) for knows in (0.3, 1.2, 2.4)]
    sizes = (1, 2, 3)
    better = trial(old, new, ("a", "b", "c"), sizes, 0.05, rng)
    assert better.rungs[-1].gold.told == better.rungs[-1].macro_f1.told == "better"
    assert better.new_trend is not None
    assert better.new_trend.p_rise < 0.05
    assert trial(new, old, ("a", "b", "c"), sizes, 0.05, rng).rungs[-1].gold.told == "worse"
    same = trial(old, old, ("a", "b", "c"), sizes, 0.05, rng)
    assert {one.gold.told for one in same.rungs} == {"not told apart"}
    assert "do not tell the wordings apart" in same.told
