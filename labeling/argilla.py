"""The labelling queue as Argilla holds it: one workspace, and one dataset for each set of question wordings.

Calls block; ``desk`` makes them in a thread of its own. The SDK is used where it is sound: responses are read from the
server's JSON, because the SDK drops the time of a response and fails on a discard without values.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any, Self
from uuid import UUID

import argilla as rg
import httpx

from labeling.accounts import Account, Accounts, Role
from labeling.address import address
from labeling.answers import Late, Pulled, QueueProgress
from labeling.connection import TIMEOUT_S, connect, explained
from labeling.form import Form
from labeling.news import with_news, without_news
from labeling.ownership import check, check_half_made, is_queue, is_request, shape
from labeling.record import HIDDEN, REWRITE, record_of, settings_of
from labeling.titles import TITLES, Tongue, retitled
from models.ids import OptionId, QuestionId, RequestId
from models.labels import Response, ResponseStatus
from models.question import Question, joint_version

WORKSPACE = "quandary"
_QUEUE = re.compile(WORKSPACE + r"-([0-9a-f]{8})(-x\d+)?")
"""Names of the datasets that ``ensure_dataset`` makes; versions before 0.2 made one for each overlap, too."""
_WITHDRAW_MAX = 100  # Argilla deletes no more in one call
_PUSH_MAX = 200
_PULL_PAGE = 250


class ArgillaQueue:
    """A connection to Argilla; ``ensure_dataset`` comes first. Every call raises LabelingError saying what to do."""

    def __init__(self, client: rg.Argilla, url: str) -> None:
        self._client = client
        self._url = url
        self._dataset: rg.Dataset | None = None
        self._guidelines = ""
        self._options: dict[str, frozenset[str]] = {}
        self._names: dict[str, str] = {}
        self._queues: dict[UUID, bool] = {}

    @classmethod
    def connect(cls, url: str, api_key: str, timeout_s: float = TIMEOUT_S) -> Self:
        """Connect and log in; raises LabelingError as ``labeling.connection.connect`` does."""
        return cls(connect(url, api_key, timeout_s), address(url))

    def close(self) -> None:
        """Close the connection."""
        self._client.http_client.close()

    def ensure_dataset(self, questions: Sequence[Question], tongue: Tongue = "en") -> str:
        """Find the dataset of these questions at their present wording, or create it; returns its name.

        Other wordings make another dataset: annotators must not be shown one question and have answered another. One
        submitted response completes a record; where several people are to answer, each has a record of their own.
        A dataset of that name that we did not make is left as it is, and raises LabelingError. ``tongue`` is the
        language of the form's headings; those of an earlier one are changed.
        """
        name = f"{WORKSPACE}-{joint_version(questions)}"
        with explained(self._url, "creating the labelling queue"):
            workspace = self._workspace()
            settings = settings_of(questions, TITLES[tongue])
            for model in self._client.api.datasets.list(workspace.id):
                if model.name != name:
                    continue
                found, wanted = shape(parts := self._parts(model.id)), shape(_parts_of(settings))
                if model.status == "ready":
                    check(name, found, wanted)
                    self._retitle(parts, _parts_of(settings))
                    self._dataset = rg.Dataset.from_model(model=model, client=self._client).get()
                else:  # left half-made when we were killed over it
                    check_half_made(name, model.guidelines, found, wanted, settings.guidelines or "")
                    self._client.api.datasets.delete(model.id)
            if self._dataset is None or self._dataset.name != name:
                self._dataset = rg.Dataset(name=name, workspace=workspace, settings=settings, client=self._client)
                self._dataset.create()
        self._guidelines = (settings.guidelines or "").strip()
        self._options = {question.id: frozenset(option.id for option in question.options) for question in questions}
        return name

    def push(self, forms: Sequence[Form]) -> None:
        """Create the forms' records; those that exist are overwritten and keep their responses."""
        dataset = self._ready()
        with explained(self._url, f"sending {len(forms)} request(s)"):
            people = self._people() if any(form.answered_by for form in forms) else {}
            for start in range(0, len(forms), _PUSH_MAX):
                records = [record_of(form, dataset, people) for form in forms[start : start + _PUSH_MAX]]
                self._client.api.records.bulk_upsert(dataset_id=dataset.id, records=records)

    def announce(self, news: str) -> bool:
        """Put news on top of the guidelines, unless an admin has edited these; tells whether that changed them."""
        path = f"/api/v1/datasets/{self._ready().id}"
        with explained(self._url, "telling annotators the news"):
            now = self._get(path)["guidelines"] or ""
            wanted = with_news(news, self._guidelines)
            if now == wanted or without_news(now).strip() != self._guidelines:
                return False
            _checked(self._client.http_client.patch(path, json={"guidelines": wanted}))
        return True

    def pull(self, activity: str | None = None) -> Pulled:
        """Read all submitted and discarded responses, in one call only if nothing happened since ``activity``.

        Datasets that earlier versions made for another overlap, at the same wording, are read too.
        """
        name = self._ready().name
        with explained(self._url, "fetching responses"):
            ours = self._client.api.datasets.list(self._workspace().id)
            queues = [m for m in ours if m.status == "ready" and m.name.startswith(name) and self._is_queue(m)]
            moments = [self._get(f"/api/v1/datasets/{queue.id}")["last_activity_at"] for queue in queues]
            latest = " ".join(moments) if all(moments) else None
            if latest is not None and latest == activity:
                return Pulled(responses=(), activity=activity)
            answered = _terms({"entity": "response", "property": "status"}, [s.value for s in ResponseStatus])
            responses = [
                self._response(RequestId(record["external_id"]), response, self._options)
                for queue in queues
                for record in self._search(answered, queue.id)
                for response in record["responses"]
                if response["status"] in set(ResponseStatus) and not _hides(response)
            ]
        return Pulled(responses=tuple(responses), activity=latest)

    def answers(self, requests: Sequence[RequestId]) -> list[Late]:
        """Read all submitted and discarded responses to these requests, in the queues of earlier wordings too."""
        self._ready()
        found: list[Late] = []
        with explained(self._url, f"reading the answers to {len(requests)} request(s)"):
            ours = self._client.api.datasets.list(self._workspace().id)
            queues = [model for model in ours if model.status == "ready" and self._is_queue(model)]
            for queue, start in product(queues, range(0, len(requests), _WITHDRAW_MAX)):
                wanted = _terms(
                    {"entity": "record", "property": "external_id"}, requests[start : start + _WITHDRAW_MAX]
                )
                name = _QUEUE.fullmatch(queue.name)
                found += [
                    Late(queue=name[1], response=self._response(RequestId(record["external_id"]), response, None))
                    for record in self._search(wanted, queue.id)
                    for response in record["responses"]
                    if name and response["status"] in set(ResponseStatus) and not _hides(response)
                ]
        return found

    def withdraw(self, requests: Sequence[RequestId]) -> int:
        """Delete requests' records with all responses, in the queues of earlier wordings too; returns how many."""
        self._ready()
        gone = 0
        with explained(self._url, f"withdrawing {len(requests)} request(s)"):
            ours = self._client.api.datasets.list(self._workspace().id)
            queues = [model.id for model in ours if model.status == "ready" and self._is_queue(model)]
            for queue, start in product(queues, range(0, len(requests), _WITHDRAW_MAX)):
                wanted = _terms(
                    {"entity": "record", "property": "external_id"}, requests[start : start + _WITHDRAW_MAX]
                )
                ids = [record["id"] for record in self._search(wanted, queue) if is_request(record)]
                if ids:
                    call = self._client.http_client.delete
                    _checked(call(f"/api/v1/datasets/{queue}/records", params={"ids": ",".join(ids)}))
                gone += len(ids)
        return gone

    def add_annotator(self, name: str, role: Role = Role.ANNOTATOR) -> str | None:
        """Let somebody work on the queue; returns a password to hand over once.

        Whom we added before gets a new password; who is in Argilla by other ways keeps theirs (None is returned).
        Raises LabelingError where the name belongs to somebody of another role.
        """
        with explained(self._url, f"adding the {role} {name}"):
            return self._accounts().add(name, role)

    def annotators(self) -> list[Account]:
        """List who works on the queue, with Argilla's owners, who see everything."""
        with explained(self._url, "listing the annotators"):
            return self._accounts().all()

    def remove_annotator(self, name: str) -> None:
        """Take somebody off the queue; their answers stay. Raises LabelingError where there is nobody of that name."""
        with explained(self._url, f"removing the annotator {name}"):
            self._accounts().remove(name)

    def progress(self) -> QueueProgress:
        """Count records and responses."""
        dataset = self._ready()
        with explained(self._url, "reading the progress"):
            counts = dataset.progress(with_users_distribution=True)
        submitted = {
            name: sum(by_status.get("submitted", 0) for by_status in user.values())
            for name, user in counts["users"].items()
        }
        return QueueProgress(total=counts["total"], completed=counts["completed"], submitted=submitted)

    def _accounts(self) -> Accounts:
        return Accounts(self._client.http_client, self._workspace().id)

    def _ready(self) -> rg.Dataset:
        if self._dataset is None:
            raise RuntimeError("ensure_dataset comes before the queue is used")
        return self._dataset

    def _workspace(self) -> rg.Workspace:
        found = next((workspace for workspace in self._client.workspaces.list() if workspace.name == WORKSPACE), None)
        return found or rg.Workspace(name=WORKSPACE, client=self._client).create()

    def _people(self) -> dict[str, UUID]:
        """Who annotates: ids by name."""
        return {user.username: user.id for user in self._client.users.list(workspace=self._workspace())}

    def _is_queue(self, model: Any) -> bool:
        """Tell whether a dataset is a queue of ours; what was seen once is remembered."""
        if model.id not in self._queues:
            named = _QUEUE.fullmatch(model.name) is not None
            self._queues[model.id] = named and is_queue(self._parts(model.id))
        return self._queues[model.id]

    def _parts(self, dataset: UUID) -> dict[str, list[dict[str, Any]]]:
        """Fields, questions and metadata of a dataset as Argilla tells them."""
        at = f"/api/v1/datasets/{dataset}"
        return {
            "fields": self._get(f"{at}/fields")["items"],
            "questions": self._get(f"{at}/questions")["items"],
            "metadata": self._get(f"/api/v1/me/datasets/{dataset}/metadata-properties")["items"],
        }

    def _retitle(self, parts: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        for kind in ("fields", "questions"):
            for path, body in retitled(kind, parts[kind], wanted[kind]):
                _checked(self._client.http_client.patch(path, json=body))

    def _get(self, path: str) -> Any:
        return _checked(self._client.http_client.get(path)).json()

    def _search(self, wanted: dict[str, Any], queue: UUID | None = None) -> Iterator[dict[str, Any]]:
        """Read all records that match one filter, with their responses, page by page in order of their creation."""
        path = f"/api/v1/datasets/{queue or self._ready().id}/records/search"
        oldest_first = [{"scope": {"entity": "record", "property": "inserted_at"}, "order": "asc"}]
        body = {"filters": {"and": [wanted]}, "sort": oldest_first}
        found: list[dict[str, Any]] = []
        while True:
            params: dict[str, str | int] = {"include": "responses", "limit": _PULL_PAGE, "offset": len(found)}
            page = _checked(self._client.http_client.post(path, json=body, params=params)).json()
            found += [item["record"] for item in page["items"]]
            if len(found) >= page["total"] or not page["items"]:
                return iter(found)

    def _response(
        self, request: RequestId, fields: dict[str, Any], options: Mapping[str, frozenset[str]] | None
    ) -> Response:
        """Read a response; answers that are none of ``options`` are left out, all are kept where it is None."""
        values = {name: answer["value"] for name, answer in (fields["values"] or {}).items()}
        if options is None:
            answers = {name: value for name, value in values.items() if name != REWRITE and isinstance(value, str)}
        else:
            answers = {q: values[q] for q, offered in options.items() if values.get(q) in offered}
        rewrite = str(values.get(REWRITE) or "").strip()
        return Response(
            request=request,
            annotator=self._name_of(fields["user_id"]),
            answers={QuestionId(question): OptionId(option) for question, option in answers.items()},
            status=ResponseStatus(fields["status"]),
            submitted_at=datetime.fromisoformat(fields["updated_at"]).replace(tzinfo=UTC),
            rewrite=rewrite or None,
        )

    def _name_of(self, user: str) -> str:
        if user not in self._names:
            listed = self._client.http_client.get("/api/v1/users")
            if listed.status_code == httpx.codes.FORBIDDEN:  # only owners may list everybody
                listed = self._client.http_client.get(f"/api/v1/workspaces/{self._workspace().id}/users")
            self._names = {known["id"]: known["username"] for known in _checked(listed).json()["items"]}
        return self._names.setdefault(user, f"user-{user[:8]}")


def _hides(response: dict[str, Any]) -> bool:
    """Tell whether a response is not a person's, but ours, that keeps a record out of that person's sight."""
    rewrite = (response["values"] or {}).get(REWRITE) or {}
    return response["status"] == ResponseStatus.DISCARDED and rewrite.get("value") == HIDDEN


def _parts_of(settings: rg.Settings) -> dict[str, list[dict[str, Any]]]:
    """The parts of a dataset that is yet to be made, in Argilla's own JSON."""
    made: dict[str, Any] = settings.serialize()
    return {kind: made[kind] for kind in ("fields", "questions", "metadata")}


def _terms(scope: dict[str, str], values: Sequence[str]) -> dict[str, Any]:
    return {"type": "terms", "scope": scope, "values": list(values)}


def _checked(response: httpx.Response) -> httpx.Response:
    return response.raise_for_status()
