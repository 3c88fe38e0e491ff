"""Argilla's search through its real server: by the SDK, and by the calls that its page makes."""

import sqlite3
from contextlib import closing
from typing import Any

import argilla as rg
import pytest
import pytest_asyncio

from labeling.embedded import EmbeddedArgilla
from tests.labeling.server.search_rig import Rig


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(argilla: EmbeddedArgilla) -> Any:
    made = Rig(argilla)
    yield made
    made.page.close()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("MOUNT disk", "ab"),
        ("cafe", "a"),
        ("CAFÉ", "a"),
        ("世界", "c"),
        ("装驱", "c"),
        ("界世", ""),
        ("full WIDTH", "d"),
        ("STRASSE", "d"),
        ("at&t", "e"),
        ("lt", ""),
        ('"the disk"', "b"),
        ("mou*", "ab"),
        ("iso | 你好", "bc"),
        ("disk -iso", "ae"),
        ("-disk", "cdf"),
        ("ชาว", "f"),
        ("earlier", "abcdef"),
        ("?!", ""),
    ],
)
def test_text_is_found(rig: Rig, query: str, wanted: str) -> None:
    assert sorted(rig.names(query={"text": {"q": query}})) == sorted(wanted)


def test_the_best_match_comes_first_and_fields_are_apart(rig: Rig) -> None:
    hits = rig.search(query={"text": {"q": "disk"}})["hits"]
    scores = [hit["query_score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1
    assert rig.names(query={"text": {"q": "earlier", "field": "chat"}}, sort=[metadata_order("length")]) == [*"abcdef"]
    assert rig.names(query={"text": {"q": "earlier", "field": "text"}}) == []


def metadata_order(name: str, order: str = "asc") -> dict[str, Any]:
    return {"scope": {"entity": "metadata", "metadata_property": name}, "order": order}


def terms(values: list[object], **scope: str) -> dict[str, Any]:
    return {"type": "terms", "scope": scope, "values": values}


def between(low: object, high: object, **scope: str) -> dict[str, Any]:
    return {"type": "range", "scope": scope, "ge": low, "le": high}


ROOM = {"entity": "metadata", "metadata_property": "room"}
LENGTH = {"entity": "metadata", "metadata_property": "length"}
DOUBT = {"entity": "metadata", "metadata_property": "doubt"}


def suggested(question: str, of: str = "value") -> dict[str, str]:
    return {"entity": "suggestion", "question": question, "property": of}


def answered(question: str) -> dict[str, str]:
    return {"entity": "response", "question": question}


STATUS = {"entity": "response", "property": "status"}


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ([terms(["y", "z"], **ROOM)], "adef"),
        ([between(1, 3, **LENGTH)], "bcd"),
        ([between("1", "3", **LENGTH)], "bcd"),
        ([terms([2], **LENGTH)], "c"),
        ([between(0.5, 1, **DOUBT)], "bc"),
        ([terms(["1"], **DOUBT)], "c"),
        ([terms(["yes"], **suggested("kind"))], "abc"),
        ([between(0.5, 1, **suggested("kind", "score"))], "def"),
        ([between(0, 9, **suggested("kind"))], ""),
        ([terms(["m-True"], **suggested("kind", "agent"))], "def"),
        ([terms(["human"], **suggested("stars", "type"))], "abc"),
        ([terms(["disk", "driver"], **suggested("topics"))], "abce"),
        ([terms(["disk"], **suggested("topics")), terms(["iso"], **suggested("topics"))], "b"),
        ([terms(["1", "5"], **suggested("stars"))], "ab"),
        ([between(2, 5, **suggested("stars"))], "bc"),
        ([terms(["note b"], **suggested("note"))], "b"),
        ([terms(["yes"], **answered("kind"))], "a"),
        ([terms(["iso"], **answered("topics"))], "ab"),
        ([terms(["disk"], **answered("topics")), terms(["iso"], **answered("topics"))], "a"),
        ([terms([5], **answered("stars"))], "b"),
        ([between(1, 4, **answered("stars"))], "a"),
        ([terms(["see the manual"], **answered("note"))], "a"),
        ([terms(["pending"], **STATUS)], "def"),
        ([terms(["submitted"], **STATUS)], "ab"),
        ([terms(["discarded", "pending"], **STATUS)], "cdef"),
        ([terms(["draft"], **STATUS)], ""),
        ([terms(["a", "d", "none"], entity="record", property="external_id")], "ad"),
        ([terms(["not-an-id"], entity="record", property="id")], ""),
        ([terms(["completed"], entity="record", property="status")], ""),
        ([between("2020-01-01", "2100-01-01T00:00:00+02:00", entity="record", property="inserted_at")], "abcdef"),
        ([between("2100-01-01", None, entity="record", property="updated_at")], ""),
    ],
)
def test_filters(rig: Rig, filters: list[object], wanted: str) -> None:
    found = rig.search(*filters)
    assert sorted(r["external_id"] for r in found["records"]) == sorted(wanted)
    assert found["total"] == len(wanted)


def test_records_by_the_servers_own_id_and_time(rig: Rig) -> None:
    whole = rig.search(terms(["b"], entity="record", property="external_id"))["records"][0]
    assert rig.names(terms([whole["id"].upper()], entity="record", property="id")) == ["b"]
    assert "b" in rig.names(terms([whole["inserted_at"]], entity="record", property="inserted_at"))


@pytest.mark.parametrize(
    ("scope", "order", "first"),
    [
        (LENGTH, "desc", "fedcba"),
        (DOUBT, "desc", "edcbaf"),
        (DOUBT, "asc", "abcdef"),
        (ROOM, "desc", "d"),
        (suggested("kind", "score"), "desc", "fedcba"),
        (suggested("stars"), "asc", "acb"),
        (answered("stars"), "desc", "ba"),
        (answered("stars"), "asc", "ab"),
        ({"entity": "record", "property": "inserted_at"}, "asc", ""),
        ({"entity": "record", "property": "updated_at"}, "desc", ""),
        (STATUS, "asc", "c"),
    ],
)
def test_sorts(rig: Rig, scope: dict[str, str], order: str, first: str) -> None:
    found = rig.names(sort=[{"scope": scope, "order": order}, metadata_order("length")])
    assert sorted(found) == [*"abcdef"]
    assert "".join(found).startswith(first)


def test_a_senseless_filter_is_refused(rig: Rig) -> None:
    path = f"/api/v1/me/datasets/{rig.dataset.id}/records/search"
    for wanted in (between(1, 2, **STATUS), between("soon", None, entity="record", property="inserted_at")):
        assert rig.page.post(path, json={"filters": {"and": [wanted]}}).status_code == 422


def test_pages_do_not_overlap(rig: Rig) -> None:
    path = f"/api/v1/me/datasets/{rig.dataset.id}/records/search"
    pages = [rig.call("POST", f"{path}?offset={start}&limit=2", {})["items"] for start in (0, 2, 4, 6)]
    assert sorted(item["record"]["external_id"] for page in pages for item in page) == [*"abcdef"]


def test_the_total_stands_on_every_page_and_beyond_the_last(rig: Rig) -> None:
    path = f"/api/v1/me/datasets/{rig.dataset.id}/records/search"
    scope = {"entity": "suggestion", "question": "kind", "property": "score"}
    for wanted, total in (
        ({"filters": {"and": [{"type": "range", "scope": scope, "ge": 98 / 200}]}}, 5),
        ({"query": {"text": {"q": "mount"}}}, 2),
        ({"query": {"text": {"q": "absent"}}}, 0),
        ({}, 6),
    ):
        for offset in (0, total - 1, total, 100):
            page = rig.call("POST", f"{path}?offset={max(0, offset)}&limit=10", wanted)
            assert (page["total"], len(page["items"])) == (total, max(0, total - max(0, offset)))


def test_similar_records(rig: Rig) -> None:
    pending = [terms(["pending"], **STATUS), terms(["pending"], entity="record", property="status")]

    def similar(*filters: object, text: str | None = None, **vector: object) -> Any:
        query = {"vector": {"name": "meaning"} | vector} | ({"text": {"q": text}} if text else {})
        return rig.search(*filters, query=query)

    found = similar(record_id=rig.ids["a"], order="most_similar", max_results=50)
    assert [r["external_id"] for r in found["records"]] == [*"bfced"] or [*"bfecd"]
    assert found["hits"][-1]["query_score"] == pytest.approx(0.0)
    assert found["total"] == 5
    found = similar(record_id=rig.ids["a"], order="least_similar")
    assert found["records"][0]["external_id"] == "d"
    assert found["hits"][0]["query_score"] == pytest.approx(1.0)
    assert [r["external_id"] for r in similar(*pending, value=[1, 1, 0])["records"]] == [*"fed"]
    assert [r["external_id"] for r in similar(value=[1, 0, 0], text="mount")["records"]] == [*"ab"]
    path = f"/api/v1/me/datasets/{rig.dataset.id}/records/search?limit=2"
    body = {"query": {"vector": {"name": "meaning", "value": [1, 0, 0]}}}
    items = rig.call("POST", path, body)["items"] + rig.call("POST", path + "&offset=2", body)["items"]
    assert [item["record"]["external_id"] for item in items][:3] == [*"abf"]
    assert rig.page.post(path, json={"query": {"vector": {"name": "meaning", "value": [1, 0]}}}).status_code == 422
    assert rig.page.post(path, json={"query": {"vector": {"name": "none", "value": [1]}}}).status_code == 422


def test_metadata_is_summed_up(rig: Rig) -> None:
    listed = rig.call("GET", f"/api/v1/me/datasets/{rig.dataset.id}/metadata-properties")["items"]
    metrics = {p["name"]: rig.call("GET", f"/api/v1/metadata-properties/{p['id']}/metrics") for p in listed}
    counts = [{"term": "x", "count": 3}, {"term": "z", "count": 3}, {"term": "y", "count": 1}]
    assert metrics["room"] == {"type": "terms", "total": 7, "values": counts}
    assert metrics["length"] == {"type": "integer", "min": 0, "max": 5}
    assert metrics["doubt"] == {"type": "float", "min": 0.0, "max": 2.0}


def test_progress_of_dataset_and_user(rig: Rig) -> None:
    mine = rig.call("GET", f"/api/v1/me/datasets/{rig.dataset.id}/metrics")["responses"]
    assert mine == {"total": 6, "submitted": 2, "discarded": 1, "draft": 0, "pending": 3}
    everyone = rig.call("GET", f"/api/v1/datasets/{rig.dataset.id}/progress")
    assert (everyone["total"], everyone["pending"], everyone["completed"]) == (6, 6, 0)
    by_user = rig.dataset.progress(with_users_distribution=True)["users"]["searcher"]
    assert by_user["pending"] == {"submitted": 2, "discarded": 1, "draft": 0}
    agents = rig.call("GET", f"/api/v1/datasets/{rig.dataset.id}/records/search/suggestions/options")["items"]
    assert {item["question"]["name"]: sorted(item["agents"]) for item in agents}["kind"] == ["m-False", "m-True"]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (rg.Query(query="disk"), "abe"),
        (rg.Query(query="disk", filter=rg.Filter(("metadata.length", ">=", 1))), "be"),
        (rg.Query(filter=rg.Filter([("stars.response", "==", 5), ("kind.suggestion", "==", "yes")])), "b"),
        (rg.Query(filter=rg.Filter(("topics.suggestion", "in", ["driver"]))), "c"),
        (rg.Query(filter=rg.Filter(("response.status", "==", "submitted"))), "ab"),
        (rg.Query(similar=rg.Similar("meaning", [0, 1, 0])), "abcdef"),
        (
            rg.Query(
                similar=rg.Similar("meaning", [-1, 0, 0], most_similar=False), filter=rg.Filter(("id", "==", "a"))
            ),
            "a",
        ),
    ],
)
def test_the_sdk_queries(rig: Rig, wanted: rg.Query, names: str) -> None:
    found = rig.dataset.records(wanted)  # with scores where it asks for similar ones
    assert sorted(one[0].id if isinstance(one, tuple) else one.id for one in found) == sorted(names)


def test_changed_and_deleted_records_are_found_as_they_are_now(rig: Rig) -> None:
    extra = rg.Record(id="g", fields={"text": "zebra", "chat": None}, vectors={"meaning": [0, 0, 1]})
    rig.dataset.records.log([extra])
    assert rig.names(query={"text": {"q": "zebra"}}) == ["g"]
    rig.dataset.records.log([rg.Record(id="g", fields={"text": "quagga"}, vectors={"meaning": [0, 0, -1]})])
    assert rig.names(query={"text": {"q": "zebra"}}) == []
    nearest = {"vector": {"name": "meaning", "value": [0, 0, -1]}}
    assert rig.names(query=nearest)[0] == "g"
    rig.dataset.records.delete(list(rig.dataset.records(rg.Query(query="quagga"))))
    assert rig.names(query={"text": {"q": "quagga"}}) == []
    assert "g" not in rig.names(query=nearest)


def test_metadata_that_the_user_may_not_see_is_left_out_without_a_write(rig: Rig, argilla: EmbeddedArgilla) -> None:
    before = rig.search()["records"]
    assert {name for found in before for name in found["metadata"]} == {"room", "length", "doubt"}
    doubt = next(prop for prop in rig.dataset.settings.metadata if prop.name == "doubt")
    doubt.visible_for_annotators = False
    doubt.update()
    with closing(sqlite3.connect(argilla.home / "argilla.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")  # whoever wants to write now waits half a minute and fails
        hidden = rig.search()["records"]
        writer.execute("ROLLBACK")
    doubt.visible_for_annotators = True
    doubt.update()
    assert {name for found in hidden for name in found["metadata"]} == {"room", "length"}
    assert rig.search()["records"] == before


def test_who_leaves_the_workspace_reads_nothing_more(rig: Rig) -> None:
    user, workspace = rig.owner.users("searcher"), rig.owner.workspaces("search")
    path = f"/api/v1/me/datasets/{rig.dataset.id}/records/search"
    user.remove_from_workspace(workspace)
    try:
        assert rig.page.post(path, json={}).status_code == 403
    finally:
        user.add_to_workspace(workspace)
    assert rig.page.post(path, json={}).status_code == 200
