"""A suspect label and a control go back to a real Argilla, look alike there, and what people say is counted apart."""

import json
import random
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from bot.cli import cli
from labeling.annotator import Annotator
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from labeling.reviewing import send
from models.decision import Route, Routing
from models.ids import BurstId, DatasetId, OptionId
from models.labels import Request, request_id
from models.question import Question
from models.settings import load_settings
from models.store import bursts, decisions, suspects
from models.store.thread import Store
from models.suspects import Weighed
from tests.labeling.made import NOON, burst, decision, request

ROOT = Path(__file__).parents[2]


def first_request(name: str, asked: tuple[Question, ...]) -> Request:
    return replace(request(of=name), id=request_id(BurstId(name), asked))


async def test_second_looks_go_out_alike_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text((ROOT / "config.toml").read_text())
    settings = load_settings(path)
    asked = settings.questions
    names = ("b0", "b1")
    async with (
        EmbeddedArgilla(tmp_path / "argilla") as server,
        Store(settings.data_dir) as store,
        Desk(server.url, server.credentials.api_key, asked) as desk,
    ):
        outbox, inlet = Outbox(store, desk, asked, alias_key=b"key"), Inlet(store, desk, asked)
        await store.do(bursts.close, [burst("how do I?", name=name) for name in names])
        for name in names:
            routing = Routing(burst=BurstId(name), route=Route.ASK, reason="unsure", audit=False, probability=1.0)
            await store.do(
                decisions.record, [decision(asked[0], 0.9, of=name)], routing, first_request(name, asked), NOON
            )
        assert await outbox.flush() == 2
        async with Annotator(server.url, "ann", await desk.add_annotator("ann")) as ann:
            await ann.submit_all({r: {"is_question": "no", "needs_context": "no"} for r in await ann.pending()})
            await inlet.pull()
            weighed = [
                Weighed(
                    burst=BurstId(name),
                    question=asked[0].id,
                    question_version=asked[0].version,
                    given=OptionId("no"),
                    suspected=OptionId("yes"),
                    suspicion=0.9 if name == "b0" else 0.1,
                )
                for name in names
            ]
            await store.do(suspects.replace, DatasetId("d"), weighed, NOON)
            sent = await store.do(send, asked, 2, random.Random(0), NOON)
            assert (sent.suspects, sent.controls) == (1, 1)
            assert await outbox.flush() == 2
            looks = {review.request: review for review in await store.do(suspects.reviews)}
            page = await ann.call(
                "POST", f"/api/v1/me/datasets/{await ann.dataset()}/records/search", body={}, params={"limit": 50}
            )
            shown = [i["record"] for i in page["items"] if i["record"]["external_id"] in looks]
            assert len(shown) == 2
            assert shown[0]["fields"] == shown[1]["fields"]  # the same words about the same chat: nothing gives it away
            known = [{name: value for name, value in r["metadata"].items() if name != "request"} for r in shown]
            assert known[0] == known[1]
            assert not any(record.get("suggestions") for record in shown)
            said = {
                r: {"is_question": "no" if look.control else "yes", "needs_context": "no"} for r, look in looks.items()
            }
            await ann.submit_all(said)
        await inlet.pull()
    ended = CliRunner().invoke(cli, ["--config", str(path), "suspects", "status", "--json"], catch_exceptions=False)
    told = json.loads(ended.stdout)
    assert told["suspects"] == {"sent": 1, "answered": 1, "changed": 1, "disputed": 0}
    assert told["controls"] == {"sent": 1, "answered": 1, "changed": 0, "disputed": 0}
