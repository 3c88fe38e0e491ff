"""What config.toml puts before the champion: a model server, a small model, both or neither."""

import pytest
from structlog.testing import capture_logs

from bot.serving import PROBE, open_serving
from models.calibration import Calibration, QuestionCalibration, write_calibration
from models.cascade import Bar, Cascade
from models.cascade_fit import fit_place, pair_of, write_fit
from models.errors import ModelError, SettingsError
from models.fallback import Fallback
from models.llama import LlamaDecider, open_decider, sha256_of
from models.settings import ServerSettings

GONE = ServerSettings(url="http://127.0.0.1:9/v1", model="gone", retries=0)


@pytest.fixture
def opened(house, ggufs):
    """Open what serves under changed settings; everything is released in the end."""
    _, settings = house
    made = []

    def serve(path=ggufs[0], **decide):
        changed = settings.model_copy(update={"decide": settings.decide.model_copy(update=decide)})
        made.append(open_serving(path, changed))
        return made[-1]

    yield serve
    for decider in made:
        decider.close()


def test_by_itself_the_champion_decides(opened) -> None:
    assert isinstance(opened(), LlamaDecider)


def test_a_server_that_is_down_leaves_the_local_model_deciding(opened, ggufs) -> None:
    with capture_logs() as logs:
        decider = opened(backend="openai", server=GONE)
        assert isinstance(decider, Fallback)
        assert decider.revision.startswith("gone@")
        (made,) = decider.decide([PROBE])
    assert made[0].revision == sha256_of(ggufs[0])[:12]
    assert [(entry["log_level"], entry["circuit"]) for entry in logs] == [("warning", "closed")]
    assert "127.0.0.1:9" in logs[0]["error"]


def test_a_server_without_its_key_is_a_fault_of_settings(opened, monkeypatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(SettingsError, match="NO_SUCH_KEY"):
        opened(backend="openai", server=GONE.model_copy(update={"api_key_env": "NO_SUCH_KEY"}))


def test_a_cascade_at_a_given_probability(opened, ggufs) -> None:
    decider = opened(cascade=str(ggufs[1]), cascade_at=0.51)
    assert isinstance(decider, Cascade)
    revisions = {made[0].revision for made in decider.decide([PROBE])}
    assert revisions <= {sha256_of(path)[:12] for path in ggufs}


def test_a_cascade_that_was_not_fitted_is_off_and_says_so(opened, ggufs) -> None:
    with capture_logs() as logs:
        assert isinstance(opened(cascade=str(ggufs[1])), LlamaDecider)
    assert "bench cascade" in logs[0]["event"]


def test_a_cascade_serves_by_its_fit(opened, house, ggufs) -> None:
    _, settings = house
    small, large = (sha256_of(path)[:12] for path in (ggufs[1], ggufs[0]))
    pair = pair_of(small, large, Calibration(gguf_sha256="", questions={}), settings.questions, 2000)
    bars = {question.id: Bar(yes_from=0.5, no_from=0.5) for question in settings.questions}
    write_fit(fit_place(settings.data_dir, pair), pair, bars, 0.9)
    decider = opened(cascade=str(ggufs[1]))
    assert isinstance(decider, Cascade)
    assert decider.decide([PROBE])[0][0].revision == small
    assert isinstance(opened(ggufs[1], cascade=str(ggufs[0])), LlamaDecider), "the fit is about the other pair"


def test_what_the_champion_may_act_on_is_not_taken_from_it(opened, house, ggufs, tmp_path) -> None:
    _, settings = house
    gguf = tmp_path / "calibrated.gguf"
    gguf.write_bytes(ggufs[0].read_bytes())
    first = settings.questions[0]
    fitted = QuestionCalibration(version=first.version, reply_at=0.99, reply_risk=0.01, confidence=0.99, labels=999)
    write_calibration(gguf, Calibration(gguf_sha256=sha256_of(gguf), questions={first.id: fitted}))
    decider = opened(gguf, cascade=str(ggufs[1]), cascade_at=0.500001)
    assert decider.decide([PROBE])[0][0].revision == sha256_of(gguf)[:12]


def test_too_little_memory_turns_the_cascade_off(opened, ggufs) -> None:
    with capture_logs() as logs:
        decider = opened(cascade=str(ggufs[1]), cascade_at=0.9, cascade_min_memory_mb=10**9)
    assert isinstance(decider, LlamaDecider)
    assert logs[0]["cascade_min_memory_mb"] == 10**9


def test_a_small_model_that_is_missing_is_explained(opened) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        opened(cascade="nowhere.gguf", cascade_at=0.9)


def test_a_cascade_before_a_server_needs_a_fit_for_the_server(opened, ggufs) -> None:
    with capture_logs():
        assert isinstance(opened(backend="openai", server=GONE, cascade=str(ggufs[1])), Fallback)
        assert isinstance(opened(backend="openai", server=GONE, cascade=str(ggufs[1]), cascade_at=0.9), Cascade)


def test_a_changed_champion_is_not_served(house, ggufs) -> None:
    with pytest.raises(ModelError, match="changed since"):
        open_serving(ggufs[0], house[1], "0" * 64)
    open_decider(ggufs[0], house[1].questions, house[1].decide).close()
