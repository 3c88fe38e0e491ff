"""A model server that fails in every way: what is tried again, what is refused, and what is said about it."""

import threading
import time
from concurrent.futures import CancelledError

import pytest
from fake_server import good, hangs_up, redirects, says, slow, status

from models.errors import ModelError, SettingsError
from models.remote import open_remote
from models.remote.connection import LONGEST_PAUSE_S, pause_s
from models.settings import ServerSettings

FAULTS = {
    "server error": status(500),
    "overloaded": status(503),
    "too many requests": status(429),
    "garbage": says(b"<html>nginx</html>", "text/html"),
    "cut JSON": says(b'{"choices": [{"logpro'),
    "no UTF-8": says(b"\xff\xfe\xfd"),
    "no log-probabilities": says(b'{"choices": [{"text": "A"}]}'),
    "no letter": says(b'{"choices": [{"logprobs": {"top_logprobs": [{"hello": -0.1}]}}]}'),
    "hung up": hangs_up,
}


def test_scores_average_over_option_orders(fake, asking, make_burst, questions) -> None:
    """The fake likes letter A best whatever stands there: averaged, every option comes out the same."""
    (decisions,) = asking().decide([make_burst()])
    assert [d.question for d in decisions] == [q.id for q in questions]
    for decision in decisions:
        assert list(decision.probabilities.values()) == pytest.approx([1 / 3] * 3)
        assert decision.sure is None
    assert len(fake.seen) == 6


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_passing_trouble_is_tried_again(fake, asking, make_burst, fault) -> None:
    decider = asking(concurrency=1)
    fake.next = [fault, fault]
    assert decider.scores(make_burst()) == asking().scores(make_burst())
    assert decider.pauses == [0.2, 0.4]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_lasting_trouble_is_explained(fake, asking, make_burst, fault) -> None:
    fake.then = fault
    with pytest.raises(ModelError, match="failed 3 times"):
        asking().decide([make_burst("my secret question")])


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_tried_again_and_tells_nothing_of_the_chat(fake, asking, make_burst, code) -> None:
    fake.then = status(code)  # it repeats the whole request
    decider = asking(concurrency=1)
    with pytest.raises(ModelError, match=str(code)) as caught:
        decider.decide([make_burst("my secret question")])
    assert "secret" not in str(caught.value)
    assert decider.pauses == []


def test_a_slow_server_is_not_waited_for(fake, asking, make_burst) -> None:
    fake.then = slow(30)
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"no answer within 0\.2 s"):
        asking(timeout_s=0.2, retries=1).decide([make_burst()] * 4)
    assert time.monotonic() - began < 5


def test_a_server_that_is_not_there_is_explained(asking, make_burst) -> None:
    with pytest.raises(ModelError, match="no connection"):
        asking(url="http://127.0.0.1:9/v1", retries=0).decide([make_burst()])


def test_no_redirect_is_followed(fake, asking, make_burst) -> None:
    fake.then = redirects
    with pytest.raises(ModelError, match="307"):
        asking(retries=0).decide([make_burst()])


def test_requests_run_side_by_side_up_to_the_bound(fake, asking, make_burst) -> None:
    fake.then = slow(0.05)
    found = asking(concurrency=3).decide([make_burst(f"question {n}?") for n in range(4)])
    assert len(found) == 4
    assert fake.most_at_once == 3
    assert all(made[0].milliseconds >= 50 for made in found)


def test_the_key_is_sent_and_the_path_follows_the_form(fake, asking, make_burst) -> None:
    asking(key="k-1", prompt="chat").decide([make_burst()])
    path, body, headers = fake.seen[0]
    assert (path, body["model"], headers["Authorization"]) == ("chat/completions", "m", "Bearer k-1")


def test_closing_ends_the_thread_and_deciding_afterwards_is_an_error(asking, make_burst) -> None:
    before = threading.active_count()
    decider = asking()
    decider.decide([make_burst()])
    assert threading.active_count() > before
    decider.close()
    decider.close()
    assert threading.active_count() == before
    with pytest.raises(ModelError, match="closed"):
        decider.decide([make_burst()])


def test_closing_while_a_batch_runs_ends_it(fake, asking, make_burst) -> None:
    fake.then = slow(30)
    decider = asking(timeout_s=30.0)
    ended = []

    def work() -> None:
        try:
            decider.decide([make_burst()])
        except CancelledError as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not fake.seen:
        time.sleep(0.01)
    decider.close()
    thread.join(5)
    assert ended


def test_pauses_double_up_to_a_cap_and_vary() -> None:
    assert [pause_s(n, 1.0) for n in range(4)] == pytest.approx([0.2, 0.4, 0.8, 1.6])
    assert pause_s(0, 0.0) == pytest.approx(0.1)
    assert pause_s(50, 1.0) == LONGEST_PAUSE_S


def test_what_is_missing_in_config_is_explained(settings, monkeypatch) -> None:
    def with_server(**server):
        decide = settings.decide.model_copy(update={"server": ServerSettings(**server)})
        return settings.model_copy(update={"decide": decide})

    with pytest.raises(ModelError, match="url and model"):
        open_remote(with_server(url="http://127.0.0.1/v1"))
    with pytest.raises(ModelError, match="tokenizer"):
        open_remote(with_server(url="http://127.0.0.1/v1", model="m", prompt="tokens"))
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(SettingsError, match="NO_SUCH_KEY"):
        open_remote(with_server(url="http://127.0.0.1/v1", model="m", api_key_env="NO_SUCH_KEY"))


def test_the_server_recovers_within_one_batch(fake, asking, make_burst) -> None:
    fake.next = [status(500), good, status(503)]
    assert len(asking().decide([make_burst()] * 3)) == 3
