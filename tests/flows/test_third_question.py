"""A third question is one more table in config.toml: prompt, Argilla, training and evaluation work without Python."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import cli as quandary
from labeling.annotator import Annotator
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from models.labels import request_id
from models.llama import gguf_of, open_decider
from models.settings import load_settings
from models.store import bursts, labels, requests
from models.store.thread import Store
from retrain.cli import cli as retrain
from tests.labeling.made import burst, request

ROOT = Path(__file__).parents[2]
TABLE = """
[[question]]
id = "is_complaint"
text = "Does the last message complain?"
definition = "is_complaint: is the sender of the last message unhappy with something or somebody?"
positive = "yes"
options = [
  { id = "yes", wording = "it complains" },
  { id = "no", wording = "it does not" },
]
guidelines = "**yes**: the sender is unhappy with something or somebody. **no**: anything else."
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped config.toml with one table more, and the fewest epochs."""
    shipped = (ROOT / "config.toml").read_text()
    assert "epochs = 6" in shipped
    path = tmp_path / "config.toml"
    path.write_text(shipped.replace("epochs = 6", "epochs = 1") + TABLE)
    return path


async def test_it_is_decided_and_answered_in_argilla(config: Path, tmp_path: Path) -> None:
    settings = load_settings(config)
    asked = settings.questions
    bursts_made = [burst(f"the update broke disk {n} again, terrible", name=f"b{n}") for n in range(2)]
    decider = open_decider(gguf_of("starter-base-xs"), asked, settings.decide)
    try:
        decided = decider.decide(bursts_made)
    finally:
        decider.close()
    for decisions in decided:
        assert [d.question for d in decisions] == ["is_question", "needs_context", "is_complaint"]
        assert set(decisions[2].probabilities) == {"yes", "no"}
        assert sum(decisions[2].probabilities.values()) == pytest.approx(1)
        assert decisions[2].sure is None
    async with (
        EmbeddedArgilla(tmp_path / "argilla") as server,
        Store(tmp_path / "store") as store,
        Desk(server.url, server.credentials.api_key, asked) as desk,
    ):
        await store.do(bursts.close, bursts_made)
        ids = [request_id(made.id, asked) for made in bursts_made]
        for n, name in enumerate(ids):
            await store.do(requests.insert_request, request(name, of=f"b{n}"))
        assert await Outbox(store, desk, asked, alias_key=b"key").flush() == 2
        async with Annotator(server.url, "ann", await desk.add_annotator("ann")) as ann:
            said = {"is_question": "no", "needs_context": "no", "is_complaint": "yes"}
            await ann.submit_all(dict.fromkeys(ids, said))
        taken = await Inlet(store, desk, asked).pull()
        assert {made.option for made in taken.labels if made.question == "is_complaint"} == {"yes"}
        [first, _] = await store.do(labels.items, {q.id: q.version for q in asked}, settings.ask.audit_block_minutes)
        assert first.answers["is_complaint"] == "yes"


def test_it_is_trained_and_evaluated(config: Path, tmp_path: Path) -> None:
    rows = [
        {
            "id": n,
            "room": f"room {n // 4}",
            "sender": "ann",
            "text": f"the update broke {n} again, terrible" if n % 2 else f"thanks, {n} works now",
            "is_complaint": "yes" if n % 2 else "no",
        }
        for n in range(32)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = ["--config", str(config)]
    found = {}
    for command in (
        [
            "train",
            str(tmp_path / "adapter"),
            "--base",
            "starter-base-xs",
            "--file",
            str(tmp_path / "rows.jsonl"),
            *common,
        ],
        ["export", "gguf", "starter-base-xs", str(tmp_path / "new.gguf"), "--adapter", str(tmp_path / "adapter")],
        ["calibrate", str(tmp_path / "new.gguf"), str(tmp_path / "rows.jsonl"), "--json", *common],
    ):
        ended = CliRunner().invoke(retrain, command, catch_exceptions=False)
        assert ended.exit_code == 0
        found[command[0]] = ended.stdout
    assert json.loads(found["calibrate"])["is_complaint"]["labels"] == 32
    scored = {}
    for model in ("starter-base-xs", str(tmp_path / "new.gguf")):
        arguments = ["evaluate", str(tmp_path / "rows.jsonl"), "-q", "is_complaint", "--model", model, "--json"]
        ended = CliRunner().invoke(quandary, [*common, *arguments], catch_exceptions=False)
        scored[model] = json.loads(ended.stdout)
        assert (scored[model]["n"], scored[model]["positives"]) == (32, 16)
    before, after = scored.values()
    assert after["log_loss"] < before["log_loss"], "two steps of training on the very rows tell"
