"""What we export in llama.cpp's own tools. No package brings them: skipped where they are not.

In llama.cpp's sources `cmake -B build && cmake --build build -t llama-quantize llama-completion llama-cli llama-server`
makes them; then `QUANDARY_LLAMA_CPP=build/bin pytest tests/retrain/export/test_llama_tools.py`.
"""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from models.llama import open_decider
from models.prompt import Prompt, render
from models.remote.wire import messages_of
from models.serving import open_server
from models.settings import DecideSettings, ServerSettings, Settings
from models.tokens import encode
from retrain.candidate import export_named
from retrain.checkpoint import load_base
from retrain.export.card import prompt_text
from retrain.export.source import find
from retrain.export.usage import letters_grammar
from retrain.export.write import same_tensors, write_adapter, write_model
from tests.retrain.conftest import make_item
from tests.retrain.gguf_letters import BUDGET, letters_with, llama_letters

TOOLS = "QUANDARY_LLAMA_CPP"
"""Names a folder with llama.cpp's own tools."""
NAMES = ("llama-quantize", "llama-completion", "llama-cli", "llama-server")
if not any(shutil.which(name, path=os.environ.get(TOOLS)) for name in NAMES):
    pytest.skip(f"no {', '.join(NAMES)} on the path or in a folder named by {TOOLS}", allow_module_level=True)
RUNG = "starter-xs"
VOCABULARY = 4096
FILES = ("f16", "q8_0", "q4_k_m")


def tool(name: str) -> str:
    found = shutil.which(name, path=os.environ.get(TOOLS))
    if found is None:
        pytest.skip(f"{name} is neither on the path nor in a folder named by {TOOLS}")
    return found


@pytest.fixture(scope="module")
def questions() -> Any:
    return Settings.model_validate({}).questions


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``quandary export model starter-xs --kind f16 --kind q8_0 --kind q4_k_m``."""
    settings = Settings.model_validate({"data_dir": tmp_path_factory.mktemp("data")})
    folder = tmp_path_factory.mktemp("model") / RUNG
    return write_model(find(RUNG, settings), folder, settings, FILES, safetensors=False, force=False)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``quandary export adapter starter-xs --base``."""
    settings = Settings.model_validate({"data_dir": tmp_path_factory.mktemp("data")})
    folder = tmp_path_factory.mktemp("adapter") / RUNG
    return write_adapter(find(RUNG, settings), folder, settings, base=True, force=False)


@pytest.fixture(scope="module")
def prompts(questions: Any) -> list[Prompt]:
    return [render(make_item(number).burst, questions, questions) for number in range(3)]


def best(letters: list[float]) -> str:
    return "ABCDEFGH"[letters.index(max(letters))]


def expected(read: Callable[..., list[list[float]]], prompts: list[Prompt]) -> list[list[list[float]]]:
    """The letters' logits, by llama.cpp's library with our tokens."""
    tokenizer = load_base("starter-base-xs").tokenizer
    return [read(encode(prompt, tokenizer, BUDGET)) for prompt in prompts]


def merged(file: Path) -> Callable[..., list[list[float]]]:
    return lambda prompt: llama_letters(file, prompt)


@pytest.mark.parametrize("kind", ["q8_0", "q4_k_m"])
def test_llama_quantize_makes_the_same_tensors(kind: str, checkpoint: Path, tmp_path: Path) -> None:
    made = tool("llama-quantize")
    half = export_named(str(checkpoint), None, tmp_path / "half.gguf", "f16")
    ours = export_named(str(checkpoint), None, tmp_path / "ours.gguf", kind)
    theirs = tmp_path / "theirs.gguf"
    subprocess.run([made, half, theirs, kind.upper(), "1"], check=True, capture_output=True, timeout=60)
    assert same_tensors(ours, theirs)


def card_command(folder: Path) -> list[str]:
    """The command in the card, as it stands there."""
    found = re.search(r"`(llama-completion [^`]+)`", (folder / "README.md").read_text())
    assert found is not None
    return shlex.split(found.group(1))


def complete(folder: Path, prompt: Prompt, branch: int, file: Path | None = None) -> str:
    words = card_command(folder)
    words[0] = tool(words[0])
    if file is not None:
        words[words.index("-m") + 1] = str(file)
    (folder / "prompt.txt").write_text(prompt_text(prompt, branch), newline="")
    words += ["--no-display-prompt", "-t", "1"]
    for _ in range(12):  # it prints by a logger of its own, which a busy host now and then ends too early: 2 of 80 runs
        done = subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        if said := done.stdout.decode().strip():
            return said
    return ""


@pytest.mark.parametrize("kind", FILES)
def test_llama_completion_answers_by_the_cards_command(kind: str, model: Path, prompts: list[Prompt]) -> None:
    tool("llama-completion")
    file = model / f"{RUNG}.{kind}.gguf"
    for prompt, rows in zip(prompts, expected(merged(file), prompts), strict=True):
        for branch, letters in enumerate(rows):
            assert complete(model, prompt, branch, file) == best(letters)


def test_llama_completion_lays_our_adapter_over_its_base(adapter: Path, prompts: list[Prompt]) -> None:
    tool("llama-completion")
    laid = lambda prompt: letters_with(adapter / "base.f16.gguf", adapter / "adapter.gguf", prompt)  # noqa: E731 - one call
    for prompt, rows in zip(prompts, expected(laid, prompts), strict=True):
        for branch, letters in enumerate(rows):
            assert complete(adapter, prompt, branch) == best(letters)


def test_llama_cli_answers_by_the_template_in_the_file(model: Path, prompts: list[Prompt]) -> None:
    made = tool("llama-cli")
    file = model / f"{RUNG}.f16.gguf"
    prompt, rows = prompts[0], expected(merged(file), prompts)[0]
    for branch, letters in enumerate(rows):
        system, user = (one["content"] for one in messages(prompt, branch))
        words = ["-m", str(file), "-sys", system, "-p", user, "-st", "-n", "1", "--temp", "0", "-t", "1"]
        words += ["--grammar", letters_grammar(len(letters)), "--no-display-prompt"]
        done = subprocess.run([made, *words], check=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        assert re.search(rf"^\W*{best(letters)}\W*$", done.stdout.decode(), re.MULTILINE), done.stdout.decode()


def messages(prompt: Prompt, branch: int) -> list[dict[str, str]]:
    segments = (*prompt.preamble, *prompt.messages, prompt.burst, *prompt.branches[branch].segments)
    return messages_of(segments)


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[str]:
    """llama-server on loopback; gives its address."""
    made = tool("llama-server")
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port = tried.getsockname()[1]
    told = [made, *words, "--host", "127.0.0.1", "--port", str(port), "-c", "4096", "-t", "1", "-np", "4"]
    with (folder / "server.log").open("w") as log:
        running = subprocess.Popen(told, cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while True:
            assert running.poll() is None, (folder / "server.log").read_text()[-2000:]
            assert time.monotonic() < until, "llama-server does not answer"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(20)


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def spread(letters: list[float]) -> list[float]:
    """Logits without their common part."""
    return [one - letters[0] for one in letters]


@pytest.fixture(scope="module")
def served(model: Path) -> Iterator[str]:
    with serving(model, "-m", f"{RUNG}.q8_0.gguf") as url:
        yield url


def test_llama_server_completes_and_chats_with_the_letters_of_the_library(
    served: str, model: Path, prompts: list[Prompt]
) -> None:
    rows = expected(merged(model / f"{RUNG}.q8_0.gguf"), prompts)
    for prompt, logits in zip(prompts, rows, strict=True):
        for branch, letters in enumerate(logits):
            text = prompt_text(prompt, branch)
            common = {"temperature": 0, "grammar": letters_grammar(len(letters))}
            done = post(f"{served}/completion", common | {"prompt": text, "n_predict": 1, "n_probs": VOCABULARY})
            assert done["content"] == best(letters)
            assert read(done["completion_probabilities"][0], len(letters)) == pytest.approx(spread(letters), abs=0.15)
            chat = {"messages": messages(prompt, branch)}
            assert post(f"{served}/apply-template", chat)["prompt"] == text
            asked = {"max_tokens": 1, "logprobs": True, "top_logprobs": VOCABULARY}
            said = post(f"{served}/v1/chat/completions", common | chat | asked)["choices"][0]
            assert said["message"]["content"] == best(letters)
            assert read(said["logprobs"]["content"][0], len(letters)) == pytest.approx(spread(letters), abs=0.15)


def read(position: dict[str, Any], count: int) -> list[float]:
    nats = {one["token"]: one["logprob"] for one in position["top_logprobs"]}
    return spread([nats[letter] for letter in "ABCDEFGH"[:count]])


def test_llama_server_lays_our_adapter_over_its_base(adapter: Path, prompts: list[Prompt]) -> None:
    laid = lambda prompt: letters_with(adapter / "base.f16.gguf", adapter / "adapter.gguf", prompt)  # noqa: E731 - one call
    with serving(adapter, "-m", "base.f16.gguf", "--lora", "adapter.gguf") as url:
        for prompt, logits in zip(prompts, expected(laid, prompts), strict=True):
            for branch, letters in enumerate(logits):
                asked = {"prompt": prompt_text(prompt, branch), "n_predict": 1, "n_probs": VOCABULARY}
                done = post(f"{url}/completion", asked | {"temperature": 0, "grammar": letters_grammar(len(letters))})
                assert done["content"] == best(letters)
                got = read(done["completion_probabilities"][0], len(letters))
                assert got == pytest.approx(spread(letters), abs=0.15)


@pytest.mark.parametrize("form", ["text", "tokens", "chat"])
def test_the_bot_decides_by_a_real_llama_server_as_by_the_file_it_serves(
    form: Any, served: str, model: Path, questions: Any, tmp_path: Path
) -> None:
    file = model / f"{RUNG}.q8_0.gguf"
    server = ServerSettings(url=f"{served}/v1", model=RUNG, prompt=form, tokenizer=str(file), top_logprobs=VOCABULARY)
    decide = DecideSettings(backend="openai", server=server)
    settings = Settings.model_validate({"data_dir": tmp_path}).model_copy(update={"decide": decide})
    remote = open_server(settings)
    local = open_decider(file, questions, DecideSettings(threads=1))
    try:
        bursts = [make_item(number).burst for number in range(6)]
        for made, meant in zip(remote.decide(bursts), local.decide(bursts), strict=True):
            for decision, other in zip(made, meant, strict=True):
                assert dict(decision.probabilities) == pytest.approx(dict(other.probabilities), abs=0.03)
    finally:
        remote.close()
        local.close()
