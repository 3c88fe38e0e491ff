"""An annotator who answers through Argilla's own HTTP API, as its web page does: for demo, flow tests and imports."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

from models.errors import LabelingError
from models.ids import RequestId

_PAGE = 100


class Annotator:
    """``async with Annotator(url, name, password) as ann: await ann.submit(request, {"is_question": "yes"})``.

    Logs in with a password and answers in the newest of the datasets that the annotator can see.
    """

    def __init__(self, url: str, name: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._name = name
        self._password = password
        self._session: aiohttp.ClientSession | None = None
        self._dataset: str | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        try:
            form = aiohttp.FormData({"username": self._name, "password": self._password})
            token = (await self.call("POST", "/api/v1/token", form=form))["access_token"]
            self._session.headers["Authorization"] = f"Bearer {token}"
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def submit(self, request: RequestId, values: Mapping[str, str]) -> None:
        """Submit answers (option by question, or text) to one request."""
        await self.submit_all({request: values})

    async def submit_all(self, answers: Mapping[RequestId, Mapping[str, str]]) -> None:
        """Submit answers to many requests; raises LabelingError naming the first that Argilla does not take."""
        await self._respond({request: ("submitted", values) for request, values in answers.items()})

    async def discard(self, request: RequestId) -> None:
        """Discard one request."""
        await self._respond({request: ("discarded", {})})

    async def pending(self) -> list[RequestId]:
        """List the requests in this annotator's pending tab, in the order of the web page.

        Like the page, it leaves out what others have answered sufficiently.
        """
        found: list[RequestId] = []
        wanted = [
            {"type": "terms", "scope": {"entity": entity, "property": "status"}, "values": ["pending"]}
            for entity in ("response", "record")
        ]
        while True:
            page = await self._search(wanted, offset=len(found))
            found += [RequestId(item["record"]["external_id"]) for item in page["items"]]
            if len(found) >= page["total"] or not page["items"]:
                return found

    async def dataset(self) -> str:
        """The id of the newest dataset that this annotator can see."""
        if self._dataset is None:
            seen = (await self.call("GET", "/api/v1/me/datasets"))["items"]
            ready = sorted((d for d in seen if d["status"] == "ready"), key=lambda d: str(d["inserted_at"]))
            if not ready:
                raise LabelingError(f"{self._name} sees no dataset in Argilla; add them to the workspace first")
            self._dataset = str(ready[-1]["id"])
        return self._dataset

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        form: aiohttp.FormData | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Any:
        """Make one call of Argilla's API and give its JSON; raises LabelingError for any other answer than success."""
        if self._session is None:
            raise RuntimeError("an Annotator is used with `async with`")
        try:
            async with self._session.request(method, self._url + path, json=body, data=form, params=params) as response:
                if response.status >= 400:
                    detail = (await response.text())[:300]
                    raise LabelingError(f"Argilla answers {self._name} with {response.status} on {path}: {detail}")
                return await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise LabelingError(f"Argilla at {self._url} cannot be reached by {self._name}: {error}") from error

    async def _respond(self, answers: Mapping[RequestId, tuple[str, Mapping[str, str]]]) -> None:
        requests = list(answers)
        for start in range(0, len(requests), _PAGE):
            batch = requests[start : start + _PAGE]
            records = await self._records(batch)
            items = [
                {
                    "record_id": records[request],
                    "status": answers[request][0],
                    "values": {question: {"value": value} for question, value in answers[request][1].items()},
                }
                for request in batch
            ]
            replies = (await self.call("POST", "/api/v1/me/responses/bulk", body={"items": items}))["items"]
            for request, reply in zip(batch, replies, strict=True):
                if reply["error"] is not None:
                    raise LabelingError(f"Argilla did not take the answer to {request}: {reply['error']['detail']}")

    async def _records(self, requests: Sequence[RequestId]) -> dict[RequestId, str]:
        """Find the server's own ids of requests' records."""
        scope = {"entity": "record", "property": "external_id"}
        page = await self._search([{"type": "terms", "scope": scope, "values": list(requests)}])
        found = {RequestId(item["record"]["external_id"]): str(item["record"]["id"]) for item in page["items"]}
        missing = [request for request in requests if request not in found]
        if missing:
            raise LabelingError(f"Argilla has no record for request {missing[0]} ({len(missing)} missing)")
        return found

    async def _search(self, filters: Sequence[object], offset: int = 0) -> Any:
        path = f"/api/v1/me/datasets/{await self.dataset()}/records/search"
        params = {"limit": _PAGE, "offset": offset}
        return await self.call("POST", path, body={"filters": {"and": list(filters)}}, params=params)
