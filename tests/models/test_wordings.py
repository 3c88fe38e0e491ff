"""Adopted wordings over config.toml's: they hold until config.toml's own words change, and change words alone."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import SettingsError
from models.ids import OptionId, QuestionId
from models.settings import load_settings, own_settings
from models.settings.question import shipped_questions
from models.settings.wordings import FILE, overlaid, read_adopted, set_aside, table_of, write_adopted
from models.wording import Adopted, Wording, reworded, wording_of

TABLES = shipped_questions()
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ASKED = QuestionId("is_question")
words = st.text(min_size=1, max_size=60).map(str.strip).filter(bool)
wordings = st.builds(
    lambda text, definition, guidelines, said: Wording(
        text=text,
        definition=definition,
        guidelines=guidelines,
        options=dict(zip((OptionId(o.id) for o in TABLES[0].options), said, strict=True)),
    ),
    words,
    words,
    st.text(max_size=60).map(str.strip),
    st.tuples(words, words, words),
)


def adopted(wording: Wording, over: str | None = None) -> dict[QuestionId, Adopted]:
    version = TABLES[0].question().version if over is None else over
    return {ASKED: Adopted(question=ASKED, wording=wording, over=version, by="ann", at=NOW)}


@given(wordings)
def test_a_wording_that_holds_changes_the_words_and_nothing_else(wording: Wording) -> None:
    first, *others = overlaid(TABLES, adopted(wording))
    own, made = TABLES[0].question(), first.question()
    assert wording_of(made) == wording
    assert made == reworded(own, wording)
    assert reworded(made, wording_of(own)) == own
    assert others == list(TABLES[1:])
    assert set_aside([table.question() for table in TABLES], adopted(wording)) == []


@given(wordings, words)
def test_config_toml_goes_before_once_its_own_words_change(wording: Wording, text: str) -> None:
    edited = (TABLES[0].model_copy(update={"text": text + "?!"}), *TABLES[1:])
    assert overlaid(edited, adopted(wording)) == edited
    assert set_aside([table.question() for table in edited], adopted(wording)) == [ASKED]


@given(wordings)
def test_what_is_no_wording_in_config_toml_goes_on_holding(wording: Wording) -> None:
    stricter = (TABLES[0].model_copy(update={"reply_risk": 0.01}), *TABLES[1:])
    made = overlaid(stricter, adopted(wording))[0].question()
    assert (made.reply_risk, wording_of(made)) == (0.01, wording)


@given(wordings)
def test_wordings_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, wording: Wording) -> None:
    folder = tmp_path_factory.mktemp("data")
    write_adopted(folder, adopted(wording))
    assert read_adopted(folder) == adopted(wording)
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_settings_are_read_with_adopted_words_and_config_toml_stays_as_it_is(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("")
    own = own_settings(config)
    assert load_settings(config) == own
    own.data_dir.mkdir()
    wording = replace(wording_of(own.questions[0]), text="Is anything wanted?")
    write_adopted(own.data_dir, adopted(wording))
    assert load_settings(config).questions[0].text == "Is anything wanted?"
    assert own_settings(config) == own
    write_adopted(own.data_dir, {})
    assert load_settings(config) == own


@pytest.mark.parametrize("text", ["{", "[]", '{"is_question": {"text": "?"}}', '{"is_question": 3}'])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(SettingsError, match=r"remove it to ask in config\.toml's own words"):
        read_adopted(tmp_path)


def test_words_are_held_to_the_rules_of_config_toml() -> None:
    wording = replace(wording_of(TABLES[0].question()), text="x" * 201, definition="")
    with pytest.raises(SettingsError, match=r"has 2 fault\(s\):\n  text: .*\n  definition: "):
        table_of(TABLES[0], wording)
    with pytest.raises(SettingsError, match="needs words for yes, no, unsure, not for none"):
        reworded(TABLES[0].question(), replace(wording, options={}))
