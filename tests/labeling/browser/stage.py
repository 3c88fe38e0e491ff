"""A queue as a running bot fills it: store, outbox, embedded server, one annotator with a one-time password."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from models.chat import Burst
from models.decision import Decision, Route, Routing
from models.ids import OptionId, Revision
from models.labels import Request, RequestState, request_id
from models.question import Question
from models.store import bursts, decisions
from models.store.thread import Store
from tests.labeling.browser.chat import MORNING
from tests.labeling.browser.chat import bursts as invented

ANNOTATOR = "robin"
BLIND = 4
"""So many of the first requests are blind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a browser test needs: where the page is, who may log in, and where the answers go."""

    url: str
    password: str
    store: Store
    inlet: Inlet
    desk: Desk


@asynccontextmanager
async def staged(argilla: EmbeddedArgilla, folder: Path, questions: Sequence[Question]) -> AsyncIterator[Stage]:
    """Fill the queue with the invented chat: the first requests are blind, the others show a decision."""
    async with Store(folder) as store, Desk(argilla.url, argilla.credentials.api_key, questions) as desk:
        said = invented()
        await store.do(bursts.close, list(said))
        for number, burst in enumerate(said):
            blind = number < BLIND
            request = Request(
                id=request_id(burst.id, questions),
                burst=burst.id,
                strategy="audit" if blind else "margin",
                probability=1.0,
                blind=blind,
                state=RequestState.PENDING,
                created_at=MORNING + timedelta(hours=3, seconds=number),
            )
            routing = Routing(burst=burst.id, route=Route.ASK, reason="unsure", audit=blind, probability=1.0)
            await store.do(decisions.record, [_decision(burst, questions[0])], routing, request, MORNING)
        await Outbox(store, desk, questions, alias_key=b"0" * 16).flush()
        password = await desk.add_annotator(ANNOTATOR)
        yield Stage(url=argilla.url, password=password, store=store, inlet=Inlet(store, desk, questions), desk=desk)


def _decision(burst: Burst, question: Question) -> Decision:
    yes = 0.62 if burst.text.endswith("?") else 0.3
    return Decision(
        burst=burst.id,
        question=question.id,
        question_version=question.version,
        probabilities={OptionId("yes"): yes, OptionId("no"): 0.95 - yes, OptionId("unsure"): 0.05},
        margin=0.3,
        sure=None,
        revision=Revision("a1b2c3d4e5f6"),
        milliseconds=9.0,
        decided_at=MORNING,
    )
