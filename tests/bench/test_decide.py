"""The measurement measures what it says, and on the smallest rung the goals hold by processor time."""

import json
import math
from contextlib import ExitStack

import pytest
from click.testing import CliRunner

from bot.bench import arms
from bot.bench.deciding import ALL, CHAT, ONE, PLAIN_ONE, REUSE, TRANSFORMERS
from bot.bench.prompts import workload
from bot.bench.waiting import drain
from bot.cli import cli
from models.errors import ModelError
from models.llama import gguf_of
from models.llama.engine import Engine
from models.llama.yardstick import ChatCompletions

SMALL = "starter-base-xs"
CONFIG = ["--config", "config.toml"]


@pytest.fixture
def engine():
    opened = Engine(gguf_of(SMALL), threads=1, tokens=1024, branches=6)
    yield opened
    opened.close()


def test_the_command_compares_all_arms_in_one_run(monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    command = [*CONFIG, "bench", "decide", "--model", SMALL, "--shape", "none", "--rounds", "3", "--threads", "1"]
    done = CliRunner().invoke(cli, [*command, "--queue", "1", "--queue", "5", "--json"], catch_exceptions=False)
    (found,) = json.loads(done.stdout)["models"]
    assert set(found["spent"]) >= {CHAT, REUSE, ONE, ALL, PLAIN_ONE}
    assert 280 <= found["prompt_tokens"] <= 310
    assert abs(found["preamble_tokens"] - 150) < 5
    ratios = {name: cpu for name, (_, cpu) in found["ratios"].items()}  # wall clock depends on the neighbours
    assert ratios["faster than chat completion"] > 6
    assert ratios["faster than chat completion with its prefix reused"] > 2
    assert 0.9 < ratios["all questions against one"] < 1.6
    assert [(w["waiting"], w["at_once"]) for w in found["waited"]] == [(1, 1), (5, 1), (5, 5)]
    table = CliRunner().invoke(cli, [*command, "--queue", "1", "--ours-only", "--rounds", "1"], catch_exceptions=False)
    assert "share of the ceiling" in table.output
    assert CHAT not in table.output


@pytest.mark.timeout(400)  # two children that load torch, on hosts however busy
def test_a_shape_is_made_once_and_measured_with_transformers_too(monkeypatch, request, tmp_path):
    monkeypatch.chdir(request.config.rootpath)
    command = [*CONFIG, "bench", "decide", "--model", SMALL, "--shape", "tiny", "--rounds", "1", "--threads", "1"]
    command += ["--queue", "1", "--kind", "q8_0", "--work", str(tmp_path), "--json"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    rung, shape = json.loads(done.stdout)["models"]
    assert TRANSFORMERS not in rung["spent"]
    assert shape["model"] == "tiny.q8_0.gguf"
    assert shape["spent"][TRANSFORMERS]["ms"] > 0
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.q8_0.gguf"]


def test_all_arms_read_the_same_tokens(engine, questions):
    work = workload(questions, engine, tokens=300, branch=25, count=4)
    one = arms.decider(engine, work.questions, work.questions[:1], 600)
    with ExitStack() as stack:
        chat = ChatCompletions(gguf_of(SMALL), threads=1, tokens=512)
        stack.callback(chat.close)
        completions = arms.Completions(chat, work.questions, work.questions[0])
        for burst in work.bursts:
            prompt = one.encode(burst)
            whole = [[*prompt.preamble, *prompt.chat, *branch.ids] for branch in prompt.branches]
            assert completions.ask(burst, reuse=True) == [len(ids) for ids in whole]
            assert chat.read_last() == whole[-1]
    assert len({burst.text for burst in work.bursts}) == 4


def test_tokens_that_need_no_reading_are_not_counted_as_new(engine, questions):
    work = workload(questions, engine, tokens=300, branch=25, count=1)
    prompt = arms.decider(engine, work.questions, work.questions, 600).encode(work.bursts[0])
    new = arms.new_tokens(prompt)
    assert len(prompt.chat) < new < len(prompt.chat) + sum(len(b.ids) for b in prompt.branches)
    assert engine.read_plainly(prompt.preamble, new) is None
    with pytest.raises(ModelError, match="budget"):
        engine.read_plainly(prompt.preamble, 5000)


def test_a_queue_is_timed_from_its_start(questions, engine):
    work = workload(questions, engine, tokens=300, branch=25, count=7)
    seen = []

    class Slow:
        revision = "slow"

        def decide(self, bursts):
            seen.append(len(bursts))
            return [()] * len(bursts)

        def close(self):
            pass

    found = drain(Slow(), work.bursts, 3)
    assert seen == [3, 3, 1]
    assert found.waiting == 7
    assert 0 < found.p50_ms <= found.p95_ms
    assert math.isclose(found.bursts_per_s, 7000 / found.p95_ms, rel_tol=1.0)
