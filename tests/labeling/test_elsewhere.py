"""An Argilla that others use too: all that the bot does over its life leaves theirs as it is, to the byte."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rewording import ask_anew
from labeling.annotator import Annotator
from labeling.argilla import WORKSPACE, ArgillaQueue
from labeling.connection import connect
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from labeling.ownership import check, check_half_made, is_request, shape
from models.decision import Route, Routing
from models.errors import LabelingError
from models.ids import BurstId, EventId, MemberId, RoomId
from models.labels import request_id
from models.question import joint_version
from models.store import bursts, decisions, erasure
from models.store.thread import Store
from tests.labeling.made import NOON, burst, question, request

FOREIGN = "sesame-foreign"


class Elsewhere:
    """What others have in an Argilla, through its API as its owner."""

    def __init__(self, url: str, key: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"X-Argilla-Api-Key": key}, timeout=60, trust_env=False)

    def call(self, method: str, path: str, body: object = None, **params: Any) -> Any:
        reply = self.http.request(method, f"/api/v1/{path}", json=body, params=params)
        assert reply.is_success, (path, reply.status_code, reply.text)
        return reply.json() if reply.content else None

    def dataset(
        self, workspace: str, name: str, external: Sequence[str] = ("r0", "r1"), *, publish: bool = True
    ) -> str:
        """A dataset with one text field, one question, two records, a suggestion and a response."""
        made = self.call("POST", "datasets", {"name": name, "workspace_id": workspace, "guidelines": "theirs"})["id"]
        field = {"name": "text", "title": "Text", "required": True, "settings": {"type": "text", "use_markdown": False}}
        self.call("POST", f"datasets/{made}/fields", field)
        if not publish:
            return str(made)
        options = [{"value": value, "text": value} for value in ("yes", "no")]
        asked = {"name": "is_question", "title": "?", "required": True}
        answer = self.call(
            "POST",
            f"datasets/{made}/questions",
            {**asked, "settings": {"type": "label_selection", "options": options, "visible_options": None}},
        )
        self.call("PUT", f"datasets/{made}/publish")
        items = [
            {
                "external_id": external[number],  # as our own requests are called
                "fields": {"text": f"theirs {number} {FOREIGN}"},
                "suggestions": [{"question_id": answer["id"], "value": "yes", "score": 0.5, "agent": "theirs"}],
                "responses": [],
            }
            for number in range(2)
        ]
        record = self.call("POST", f"datasets/{made}/records/bulk", {"items": items})["items"][0]["id"]
        response = {"values": {"is_question": {"value": "no"}}, "status": "submitted"}
        self.call("POST", f"records/{record}/responses", response)
        return str(made)

    def all_of(self, datasets: list[str], workspaces: list[str], users: list[str]) -> str:
        """Everything that the API tells of these, as canonical JSON."""
        told: dict[str, Any] = {}
        for one in datasets:
            told[one] = [
                self.call("GET", f"datasets/{one}"),
                self.call("GET", f"datasets/{one}/fields"),
                self.call("GET", f"datasets/{one}/questions"),
                self.call("GET", f"datasets/{one}/progress"),
            ]
            if told[one][0]["status"] == "ready":
                sort = [{"scope": {"entity": "record", "property": "inserted_at"}, "order": "asc"}]
                told[one].append(
                    self.call(
                        "POST", f"datasets/{one}/records/search", {"sort": sort}, include=["responses", "suggestions"]
                    )
                )
        for one in workspaces:
            told[one] = [self.call("GET", f"workspaces/{one}"), self.call("GET", f"workspaces/{one}/users")]
        for one in users:
            told[one] = [self.call("GET", f"users/{one}"), self.call("GET", f"users/{one}/workspaces")]
        told["webhooks"] = self.call("GET", "webhooks")
        return json.dumps(told, sort_keys=True)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_whole_life_leaves_what_is_not_ours_as_it_is(argilla: EmbeddedArgilla, tmp_path: Path) -> None:
    url, key = argilla.url, argilla.credentials.api_key
    theirs = Elsewhere(url, key)
    asked = (question("is_question", "elsewhere"),)
    reworded = (question("is_question", "elsewhere, in other words"),)
    ids = [request_id(BurstId(f"b{number}"), asked) for number in range(6)]

    def furnish() -> tuple[list[str], list[str], list[str]]:
        place = theirs.call("POST", "workspaces", {"name": "theirs"})["id"]
        known = {one["name"]: one["id"] for one in theirs.call("GET", "me/workspaces")["items"]}
        ours = known.get(WORKSPACE) or theirs.call("POST", "workspaces", {"name": WORKSPACE})["id"]
        new = {"first_name": "Eve", "username": "eve", "role": "annotator", "password": FOREIGN}
        eve = theirs.call("POST", "users", new)["id"]
        theirs.call("POST", f"workspaces/{place}/users", {"user_id": eve})
        same_name = f"{WORKSPACE}-{joint_version(asked)}"
        names = [(place, same_name), (place, "mail"), (ours, "mail"), (ours, f"{WORKSPACE}-0badcafe")]
        return [theirs.dataset(*name, ids) for name in names], [place], [eve]

    furniture = await asyncio.to_thread(furnish)
    before = await asyncio.to_thread(theirs.all_of, *furniture)
    assert before.count(FOREIGN) == 8

    async with Store(tmp_path) as store, Desk(url, key, asked) as desk:
        for number in range(6):
            name = f"b{number}"
            await store.do(bursts.close, [burst(f"how? {number}", ("bob", "hi"), name=name)])
            routing = Routing(burst=BurstId(name), route=Route.ASK, reason="unsure", audit=False, probability=1.0)
            await store.do(decisions.record, [], routing, request(ids[number], of=name), NOON)
        outbox, inlet = Outbox(store, desk, asked, alias_key=b"key"), Inlet(store, desk, asked)
        assert await outbox.flush() == 6
        password = await desk.add_annotator("ours-elsewhere")
        assert password is not None
        async with Annotator(url, "ours-elsewhere", password) as annotator:
            await annotator.submit(ids[0], {"is_question": "yes"})
        assert (await inlet.pull()).changed == (ids[0],)
        await outbox.withdraw([ids[1]])
        await store.do(erasure.redact, EventId("m-b2"), RoomId("#ubuntu"), NOON)
        await store.do(erasure.forget_member, MemberId("bob"), None, NOON)
        await outbox.flush()
        assert (await desk.progress()).total == 3  # r0 was answered, and its window showed bob
        again = await desk.add_annotator("ours-elsewhere")
        assert again not in (None, password)
        await store.do(ask_anew, reworded)
        async with Desk(url, key, reworded) as later:
            await Outbox(store, later, reworded, alias_key=b"key").flush()
            assert (await later.progress()).total > 0
            assert (await desk.progress()).total == 0
    assert await asyncio.to_thread(theirs.all_of, *furniture) == before

    async with Desk(url, key, asked) as desk:
        assert await desk.add_annotator("eve") is None  # let in, with the password that she has
        assert await desk.add_annotator("eve") is None
    async with Annotator(url, "eve", FOREIGN) as eve:
        assert (await eve.call("GET", "/api/v1/me"))["last_name"] is None


@pytest.mark.asyncio(loop_scope="session")
async def test_a_dataset_of_our_name_that_we_did_not_make_is_refused_and_left(argilla: EmbeddedArgilla) -> None:
    url, key = argilla.url, argilla.credentials.api_key
    theirs = Elsewhere(url, key)
    taken, unpublished = (question("is_question", "taken"),), (question("is_question", "unpublished"),)

    def furnish() -> list[str]:
        known = {one["name"]: one["id"] for one in theirs.call("GET", "me/workspaces")["items"]}
        ours = known.get(WORKSPACE) or theirs.call("POST", "workspaces", {"name": WORKSPACE})["id"]
        return [
            theirs.dataset(ours, f"{WORKSPACE}-{joint_version(taken)}"),
            theirs.dataset(ours, f"{WORKSPACE}-{joint_version(unpublished)}", publish=False),
        ]

    made = await asyncio.to_thread(furnish)
    before = await asyncio.to_thread(theirs.all_of, made, [], [])
    async with Desk(url, key, taken) as desk:
        with pytest.raises(LabelingError, match=r"did not make: it differs in burst, .*rename it in Argilla"):
            await desk.push([])
    async with Desk(url, key, unpublished) as desk:
        with pytest.raises(LabelingError, match=r"an unpublished dataset .* that Quandary did not make"):
            await desk.push([])
    assert await asyncio.to_thread(theirs.all_of, made, [], []) == before
    for one in made:
        await asyncio.to_thread(theirs.call, "DELETE", f"datasets/{one}")
    async with Desk(url, key, taken) as desk:
        await desk.push([])  # as the message said


@pytest.mark.asyncio(loop_scope="session")
async def test_the_server_refuses_keys_as_we_explain_it(argilla: EmbeddedArgilla) -> None:
    url, key = argilla.url, argilla.credentials.api_key
    theirs = Elsewhere(url, key)

    def keys() -> dict[str, str]:
        found = {}
        for role in ("annotator", "admin"):
            new = {"first_name": role, "username": f"key-{role}", "role": role, "password": FOREIGN}
            found[role] = str(theirs.call("POST", "users", new)["api_key"])
        return found

    found = await asyncio.to_thread(keys)
    with pytest.raises(LabelingError, match="refuses our API key while logging in"):
        await asyncio.to_thread(connect, url, "not-the-key")
    with pytest.raises(LabelingError, match="is key-annotator's, whose role is annotator"):
        await asyncio.to_thread(connect, url, found["annotator"])
    outsider = await asyncio.to_thread(ArgillaQueue.connect, url, found["admin"])
    with pytest.raises(LabelingError, match=r"forbids creating the labelling queue .* which an owner has to make"):
        await asyncio.to_thread(outsider.ensure_dataset, (question("is_question", "outsider"),))
    outsider.close()


def parts(*, fields: str, options: str = "", kind: str = "text") -> dict[str, list[dict[str, Any]]]:
    settings = {"type": "label_selection", "options": [{"value": value} for value in options]}
    return {
        "fields": [{"name": name, "settings": {"type": kind}} for name in fields],
        "questions": [{"name": "q", "settings": settings}],
        "metadata": [],
    }


@given(st.sampled_from("abc"), st.sampled_from(["", "y", "yn", "ny"]), st.sampled_from(["text", "chat"]))
def test_a_dataset_is_ours_only_if_it_is_made_the_same(fields: str, options: str, kind: str) -> None:
    wanted = shape(parts(fields="a", options="yn"))
    found = shape(parts(fields=fields, options=options, kind=kind))
    if (fields, sorted(options), kind) == ("a", ["n", "y"], "text"):
        check("d", found, wanted)
    else:
        with pytest.raises(LabelingError, match="did not make"):
            check("d", found, wanted)


def test_half_made_it_is_ours_only_with_our_guidelines_and_nothing_else_in_it() -> None:
    wanted, none = shape(parts(fields="ab", options="yn")), shape({"fields": [], "questions": [], "metadata": []})
    check_half_made("d", "ours\n", none, wanted, "ours")
    check_half_made("d", "ours", wanted, wanted, "ours")
    for guidelines, found in (("theirs", none), (None, none), ("ours", shape(parts(fields="abc", options="yn")))):
        with pytest.raises(LabelingError, match="unpublished"):
            check_half_made("d", guidelines, found, wanted, "ours")


def test_a_record_is_a_request_if_it_says_so_twice() -> None:
    assert is_request({"external_id": "r1", "metadata": {"request": "r1", "room": "x"}})
    assert not is_request({"external_id": "r1", "metadata": {"request": "r2"}})
    assert not is_request({"external_id": "r1", "metadata": None})
    assert not is_request({"external_id": "r1"})
