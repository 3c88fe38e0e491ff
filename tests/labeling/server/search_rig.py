"""Six records to search in, their owner, and an annotator who works as the page does."""

from typing import Any

import argilla as rg
import httpx

from labeling.embedded import EmbeddedArgilla

TEXTS = {
    "a": "How do I mount a DISK? Café",
    "b": "mount an ISO; then the disk again",
    "c": "你好世界,怎么安装驱动程序?",
    "d": "ＦＵＬＬ width straße",
    "e": "AT&amp;T and &lt;disk&gt;",
    "f": "สวัสดีชาวโลก",
}
VECTORS = {"a": [1, 0, 0], "b": [0.9, 0.1, 0], "c": [0, 1, 0], "d": [-1, 0, 0], "e": [0, 0, 0], "f": [5, 5, 0]}
TOPICS = {"a": ["disk"], "b": ["disk", "iso"], "c": ["driver"], "d": [], "e": ["disk"], "f": ["iso"]}
STARS = {"a": 1, "b": 5, "c": 3}


class Rig:
    """A dataset of six records, its owner, and one annotator who works as the page does."""

    def __init__(self, server: EmbeddedArgilla) -> None:
        self.owner = rg.Argilla(api_url=server.url, api_key=server.credentials.api_key)
        workspace = rg.Workspace(name="search", client=self.owner).create()
        user = rg.User(username="searcher", password="12345678", role="annotator", client=self.owner).create()
        user.add_to_workspace(workspace)
        self.dataset = rg.Dataset(name="search", workspace=workspace, settings=settings(), client=self.owner).create()
        self.dataset.records.log([record(name) for name in TEXTS])
        token = httpx.post(f"{server.url}/api/v1/token", data={"username": "searcher", "password": "12345678"}).json()
        key = {"Authorization": f"Bearer {token['access_token']}"}
        self.page = httpx.Client(base_url=server.url, headers=key, timeout=60)
        self.ids = {found["external_id"]: found["id"] for found in self.search()["records"]}
        for name, answers in (
            ("a", {"kind": "yes", "topics": ["disk", "iso"], "stars": 2, "note": "see the manual"}),
            ("b", {"kind": "no", "topics": ["iso"], "stars": 5}),
        ):
            values = {question: {"value": value} for question, value in answers.items()}
            self.call("POST", f"/api/v1/records/{self.ids[name]}/responses", {"status": "submitted", "values": values})
        self.call("POST", f"/api/v1/records/{self.ids['c']}/responses", {"status": "discarded", "values": {}})

    def call(self, method: str, path: str, body: object = None) -> Any:
        answer = self.page.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def search(self, *filters: object, **body: object) -> Any:
        path = f"/api/v1/me/datasets/{self.dataset.id}/records/search?include=responses&include=suggestions"
        wanted = {"filters": {"and": list(filters)}} if filters else {}
        found = self.call("POST", path, wanted | body)
        return {"total": found["total"], "records": [item["record"] for item in found["items"]], "hits": found["items"]}

    def names(self, *filters: object, **body: object) -> list[str]:
        return [found["external_id"] for found in self.search(*filters, **body)["records"]]


def settings() -> rg.Settings:
    return rg.Settings(
        fields=[rg.TextField(name="text"), rg.ChatField(name="chat", required=False)],
        questions=[
            rg.LabelQuestion(name="kind", labels=["yes", "no"]),
            rg.MultiLabelQuestion(name="topics", labels=["disk", "iso", "driver"], required=False),
            rg.RatingQuestion(name="stars", values=[0, 1, 2, 3, 4, 5], required=False),
            rg.TextQuestion(name="note", required=False),
        ],
        metadata=[
            rg.TermsMetadataProperty(name="room"),
            rg.IntegerMetadataProperty(name="length"),
            rg.FloatMetadataProperty(name="doubt"),
        ],
        vectors=[rg.VectorField(name="meaning", dimensions=3)],
        distribution=rg.TaskDistribution(min_submitted=2),
    )


def record(name: str) -> rg.Record:
    suggestions = [rg.Suggestion("kind", "yes" if name < "d" else "no", score=ord(name) / 200, agent=f"m-{name > 'c'}")]
    suggestions += [rg.Suggestion("topics", TOPICS[name], agent="m")] if TOPICS[name] else []
    suggestions += [rg.Suggestion("stars", STARS[name], agent="m", type="human")] if name in STARS else []
    suggestions += [rg.Suggestion("note", f"note {name}", agent="m")]
    return rg.Record(
        id=name,
        fields={"text": TEXTS[name], "chat": [{"role": "p", "content": f"earlier {name}"}]},
        metadata={"room": ["x", "y"] if name == "a" else "x" if name < "d" else "z", "length": ord(name) - 97}
        | ({"doubt": (ord(name) - 97) / 2} if name != "f" else {}),
        suggestions=suggestions,
        vectors={"meaning": VECTORS[name]},
    )
