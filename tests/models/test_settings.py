from pathlib import Path

import pytest

from models.errors import SettingsError
from models.settings import load_settings, secret

QUESTION = """
[[question]]
id = "complaint"
text = "Is it a complaint?"
definition = "complaint: does the message complain?"
positive = "yes"
options = [{ id = "yes", wording = "yes" }, { id = "no", wording = "no" }]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_every_fault_is_named_with_its_path(tmp_path: Path) -> None:
    path = write(tmp_path, '[burst]\ngap_s = -1\ncolour = "red"\n[ask]\naudit_share = 2\n' + QUESTION)
    with pytest.raises(SettingsError) as fault:
        load_settings(path)
    for piece in ("burst.gap_s", "burst.colour", "ask.audit_share", "3 fault(s)"):
        assert piece in str(fault.value)


@pytest.mark.parametrize(
    ("change", "piece"),
    [
        ('positive = "yes"|positive = "maybe"', "'maybe'"),
        ('text = "Is it a complaint?"|text = "Is it?"\nafter = { nothing = "yes" }', "'nothing'"),
        ('[[question]]|[chat]\nadapter = "replay"\n[[question]]', "path"),
        ('[[question]]|[argilla]\nurl = "http://127.0.0.1"\n[[question]]', "api_key_env"),
        ('[[question]]|[decide]\nbackend = "openai"\n[[question]]', "needs url"),
        ('[[question]]|[decide.server]\nprompt = "tokens"\n[[question]]', "needs tokenizer"),
        ('[[question]]|[decide.server]\nurl = "http://models.example/v1"\n[[question]]', "unencrypted"),
        ('[[question]]|[decide.server]\nurl = "https://me:secret@models.example"\n[[question]]', "api_key_env"),
        ('[[question]]|[decide.server]\nurl = "ftp://127.0.0.1"\n[[question]]', "no http"),
        ("[[question]]|[train]\nselect_share = 0.5\n[[question]]", "select_share needs select"),
        ("[[question]]|[[question", "TOML"),
    ],
)
def test_contradictions_are_faults(tmp_path: Path, change: str, piece: str) -> None:
    old, new = change.split("|")
    with pytest.raises(SettingsError, match=piece):
        load_settings(write(tmp_path, QUESTION.replace(old, new)))


def test_a_question_may_not_stand_twice(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="twice"):
        load_settings(write(tmp_path, QUESTION + QUESTION))


def test_faults_of_all_kinds_are_named_at_once(tmp_path: Path) -> None:
    later = QUESTION.replace('"complaint"', '"praise"').replace('positive = "yes"', 'positive = "maybe"\ncolour = 1')
    later += 'after = { nothing = "yes", complaint = "perhaps" }\n'
    path = write(tmp_path, '[chat]\nadapter = "replay"\nspeed = -1\n' + QUESTION + QUESTION + later)
    with pytest.raises(SettingsError) as fault:
        load_settings(path)
    for piece in (
        "chat.speed",
        "needs path",
        "question.1: question 'complaint' stands twice",
        "question.2.colour",
        "question.2: positive = 'maybe'",
        "question.2.after: question 'praise' comes after 'nothing'",
        "question.2.after: question 'praise' waits for complaint = 'perhaps'",
        "7 fault(s)",
    ):
        assert piece in str(fault.value)


def test_a_fault_in_a_question_is_not_told_twice(tmp_path: Path) -> None:
    for text in (QUESTION.replace("text = ", "texts = "), QUESTION.replace('id = "no"', 'id = "NO"')):
        with pytest.raises(SettingsError) as fault:
            load_settings(write(tmp_path, text))
        assert "at least" not in str(fault.value)
    with pytest.raises(SettingsError, match=r"question: .*at least 1 item"):
        load_settings(write(tmp_path, "question = []"))


@pytest.mark.parametrize("text", ["chat = 3\nquestion = 1", "[chat]\npath = []\n[[question]]\nid = []\noptions = [1]"])
def test_values_of_other_types_are_faults_like_any(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="question"):
        load_settings(write(tmp_path, text))


@pytest.mark.parametrize("name", ["rewrite", "text", "weight", "conv", "responses"])
def test_names_that_files_and_forms_use_are_no_questions(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"may be called '{name}'"):
        load_settings(write(tmp_path, QUESTION.replace('"complaint"', f'"{name}"')))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--config"):
        load_settings(tmp_path / "none.toml")


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, QUESTION))
    assert settings.data_dir == tmp_path / "var"


def test_the_version_follows_the_wording_alone(tmp_path: Path) -> None:
    first = load_settings(write(tmp_path, QUESTION)).questions[0]
    risk = load_settings(write(tmp_path, QUESTION + "reply_risk = 0.2\n")).questions[0]
    worded = load_settings(write(tmp_path, QUESTION.replace("complain?", "grumble?"))).questions[0]
    assert first.version == risk.version != worded.version


def test_a_secret_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUANDARY_TEST_KEY", raising=False)
    with pytest.raises(SettingsError, match="QUANDARY_TEST_KEY"):
        secret("QUANDARY_TEST_KEY")
    monkeypatch.setenv("QUANDARY_TEST_KEY", "x")
    assert secret("QUANDARY_TEST_KEY") == "x"
    assert secret(None) is None


def test_models_beside_the_file_are_found_and_built_in_names_stay(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    tables = (
        '[decide]\ncascade = "small.gguf"\n[decide.server]\nurl = "http://[::1]:8080/v1"\ntokenizer = "small.gguf"\n'
    )
    decide = load_settings(write(tmp_path, tables + QUESTION)).decide
    assert decide.cascade == decide.server.tokenizer == str(tmp_path / "small.gguf")
    decide = load_settings(write(tmp_path, '[decide]\ncascade = "starter-xs"\n' + QUESTION)).decide
    assert (decide.cascade, decide.server.url) == ("starter-xs", None)
    assert decide.of_small.max_prompt_tokens == decide.max_prompt_tokens
    for given, expected in ((200, 200), (8000, decide.max_prompt_tokens)):
        shorter = decide.model_copy(update={"cascade_max_prompt_tokens": given})
        assert shorter.of_small.max_prompt_tokens == expected


def test_a_setting_that_does_not_exist_is_told_with_the_one_that_is_meant(tmp_path):
    room = '[[room]]\nid = "a"\nmodes = "off"\nzzzzzz = 1\n'
    tables = f'[burst]\ngap = 3\n[decide.server]\nurls = "x"\n[bursts]\nx = 1\n{room}'
    (tmp_path / "config.toml").write_text(tables)
    with pytest.raises(SettingsError) as told:
        load_settings(tmp_path / "config.toml")
    assert str(told.value).splitlines()[1:] == [
        "  burst.gap: there is no such setting; is 'gap_s' meant?",
        "  decide.server.urls: there is no such setting; is 'url' meant?",
        "  room.0.modes: there is no such setting; is 'mode' meant?",
        "  room.0.zzzzzz: there is no such setting",
        "  bursts: there is no such setting; is 'burst' meant?",
    ]
