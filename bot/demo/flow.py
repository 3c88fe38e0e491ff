"""The demo's flow, whole: chat -> decisions -> Argilla -> answers -> training -> gate -> approval -> the swap.

Every part is the real one; only the annotators are played, by bundled answers that reach Argilla through its own API.
"""

import asyncio
import json
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bot.adapters import ReplayChat
from bot.demo.bundle import Answers, Stretch, label, read_answers, read_stretch
from bot.demo.screen import Screen
from bot.evaluate import Evaluation, evaluate
from bot.pipeline import Pipeline
from bot.promotion import approve
from bot.slot import ServingSlot
from labeling.annotator import Annotator
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from models.chat import Burst
from models.errors import SettingsError, TrainingError
from models.evidence import Candidate, Outcome, Verdict
from models.ids import RequestId
from models.labels import Purpose, RequestState
from models.llama import gguf_of, open_decider
from models.replacement import replacing
from models.settings import RoomTable, Settings
from models.store import bursts, inbox, labels, learning, requests
from models.store.database import Database
from models.store.thread import Store
from models.toml import dump_settings

ANSWERED = ("is_question", "needs_context")
"""The questions that the bundled answers answer."""
_PLAYED = (Purpose.ASK, Purpose.OVERLAP)
"""What the played annotators answer; where they disagree, nobody decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which model serves at first, which rungs are trained, and on how many labelled bursts at most.

    ``messages`` cuts the stretches short (0 replays them whole).
    """

    champion: str = "starter-base-m"
    rungs: tuple[str, ...] = ("starter-base-xs", "starter-base-s", "starter-base-m")
    max_items: int = 150
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the maintainer wants: approve without asking, and even what the gate did not pass."""

    approve: bool
    override: bool
    ask: Callable[[], Awaitable[bool]]
    """Waits for the maintainer's key; always no where there is no keyboard."""


def demo_settings(settings: Settings, folder: Path, plan: Plan) -> Settings:
    """The two questions that the bundled answers answer, everything asked, a small ladder, light training.

    Raises SettingsError where config.toml lacks one of them.
    """
    questions = tuple(question for question in settings.question if question.id in ANSWERED)
    if len(questions) < len(ANSWERED):
        raise SettingsError(f"the demo needs the questions {' and '.join(ANSWERED)} in config.toml, as shipped")
    return settings.model_copy(
        update={
            "data_dir": folder,
            "room": (RoomTable(id="*", mode="train"),),  # the bundled chat's licence allows it
            "question": questions,
            "decide": settings.decide.model_copy(update={"model": plan.champion, "max_prompt_tokens": 200}),
            "ask": settings.ask.model_copy(
                update={"daily_budget": 1000, "paced": False, "audit_share": 0.0, "audit_block_minutes": 10}
            ),
            "argilla": settings.argilla.model_copy(
                update={"url": None, "api_key_env": None, "port": 0, "overlap": 2, "overlap_share": 1.0}
            ),
            "ladder": settings.ladder.model_copy(update={"rungs": plan.rungs}),
            "train": settings.train.model_copy(update={"max_items": plan.max_items}),
            "gate": settings.gate.model_copy(update={"holdout_share": 0.5}),
        }
    )


class Demo:
    """One run of the demo in a folder of its own; ``report`` holds what it measured."""

    def __init__(self, settings: Settings, folder: Path, screen: Screen, choice: Choice, plan: Plan = Plan()) -> None:
        self.settings = demo_settings(settings, folder, plan)
        self._plan = plan
        self.config = folder / "config.toml"
        self.report: dict[str, object] = {}
        self._folder = folder
        self._screen = screen
        self._choice = choice
        self._questions = self.settings.questions

    async def run(self, then: Callable[[EmbeddedArgilla], object]) -> None:
        """Go through all phases; ``then`` is told the running Argilla at the end, and may be a coroutine function."""
        self.config.write_text(dump_settings(self.settings), encoding="utf-8")
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store(self._folder))
            with self._screen.phase("Start Argilla: server and web page, on this machine only", 15):
                argilla = await stack.enter_async_context(EmbeddedArgilla(self._folder / "argilla"))
                self._screen.say(f"{argilla.url}")
            slot = await stack.enter_async_context(ServingSlot(self.settings, store))
            watching = asyncio.create_task(slot.watch())
            stack.callback(watching.cancel)
            first = read_stretch("S1", self._plan.messages)
            with self._screen.phase(f"Replay a real chat; {self._plan.champion} decides each burst", 20):
                await self._replay(store, slot, first)
            desk = await stack.enter_async_context(Desk(argilla.url, argilla.credentials.api_key, self._questions))
            with self._screen.phase("Ask people in Argilla, and bring their answers back", 60):
                await self._label(store, desk, argilla.url, first)
            with self._screen.phase(
                f"Train {len(self._plan.rungs)} rungs on at most {self._plan.max_items} labelled bursts, and judge", 150
            ):
                await self._learn()
            with self._screen.phase("A maintainer decides; the running bot exchanges its model", 15):
                await self._promote(store, slot)
            with self._screen.phase("Replay another day of the same group; before and after", 30):
                await self._compare(store, slot)
            result = then(argilla)
            if asyncio.iscoroutine(result):
                await result

    async def _replay(self, store: Store, slot: ServingSlot, stretch: Stretch) -> list[Burst]:
        """Send a stretch through the live pipeline; returns its bursts."""
        before = ReplayChat(stretch.write(self._folder, earlier=True), gap_s=self.settings.burst.gap_s)
        async with before:
            earlier = [event async for event in before.events(None)]
        await store.do(inbox.append, earlier)
        await store.do(inbox.mark_handled, [event.id for event in earlier])
        seen: list[Burst] = []
        chat = ReplayChat(stretch.write(self._folder), gap_s=self.settings.burst.gap_s)
        with self._screen.bar(len(stretch.lines)) as bar:

            def routed(burst: Burst, *_: object) -> None:
                seen.append(burst)
                bar.advance(bar.task_ids[0], len(burst.message_ids))

            async with chat:
                pipeline = Pipeline(settings=self.settings, store=store, adapter=chat, slot=slot, on_routed=routed)
                await pipeline.run()
        tally = pipeline.tally
        self._screen.say(
            f"{tally.messages} messages of {stretch.name}, {tally.bursts} bursts: acted on {tally.acted}, "
            f"asked about {tally.asked}, passed {tally.passed}"
        )
        return seen

    async def _label(self, store: Store, desk: Desk, url: str, stretch: Stretch) -> None:
        outbox = Outbox(store, desk, self._questions, alias_key=secrets.token_bytes(16))
        sent = await outbox.flush()
        self._screen.say(f"{sent} requests stand in Argilla, with the window as a chat and the guidelines beside it")
        answers = read_answers(stretch.name, str(stretch.lines[0]["room"]), self._questions)
        self._screen.say(
            "two annotators log in and answer: [bold]language models[/bold], not people; their answers were recorded"
        )
        passwords: dict[str, str] = {}
        inlet, answered = Inlet(store, desk, self._questions), 0
        while by_annotator := await store.do(_values, answers):  # who answers second gets a record of their own
            for name, values in by_annotator.items():
                if name not in passwords:
                    passwords[name] = await desk.add_annotator(name) or ""  # never None: this Argilla is new
                async with Annotator(url, name, passwords[name]) as annotator:
                    await annotator.submit_all(values)
            answered = len((await inlet.pull()).changed)
            await outbox.flush()
        counts = await store.do(labels.count, {q.id: q.version for q in self._questions})
        settled = ", ".join(f"{number} for {question}" for question, number in counts.items())
        self._screen.say(f"{answered} bursts answered twice; labels on which both agree: {settled}")
        self.report["labels"] = {str(question): number for question, number in counts.items()}

    async def _learn(self) -> None:
        """Train and judge in a process of its own, as the bot's scheduler does at night."""
        command = [sys.executable, "-m", "retrain", "cycle", "--config", str(self.config)]
        own = 2 if self._screen.console.stderr else None  # with --json standard output holds nothing but the figures
        learning_side = await asyncio.create_subprocess_exec(*command, stdout=own)
        try:
            status = await learning_side.wait()
        except asyncio.CancelledError:
            learning_side.terminate()
            await learning_side.wait()
            raise
        if status != 0:
            raise TrainingError(f"the learning side ended with status {status}; what it said stands above")

    async def _promote(self, store: Store, slot: ServingSlot) -> None:
        candidate, verdict = (await store.do(learning.candidates))[0]
        self._show(candidate, verdict)
        passed = verdict.outcome is Outcome.PASS
        if self._choice.approve and not (passed or self._choice.override):
            self._screen.say("not promoted: the gate did not pass it (--override lets it serve all the same)")
            return
        if not self._choice.approve:
            doubt = "" if passed else " although the gate did not pass it, which is recorded"
            self._screen.say(f"[bold]press y to let it serve[/bold]{doubt}; any other key leaves it")
            if not await self._choice.ask():
                self._screen.say("not promoted: nobody approved (--approve, or --approve --override, needs no key)")
                return
        why = "" if passed else "demo: shown before and after although the gate did not pass it"
        await store.do(lambda db: approve(db, self.settings, candidate.id, by="demo", override=not passed, why=why))
        await slot.refresh()
        self._screen.say(f"approved; {slot.revision} decides from now on")
        self.report["promoted"] = candidate.id

    def _show(self, candidate: Candidate, verdict: Verdict) -> None:
        colour = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow"}
        self._screen.say(
            f"candidate {candidate.id} from {candidate.base}: the gate says {_mark(verdict.outcome, colour)}"
        )
        for check in verdict.checks:
            self._screen.say(f"  {_mark(check.outcome, colour)} {check.name}: {check.reason}")
        if verdict.picture is not None:
            self._screen.say(f"picture of the ladder: {self._folder / verdict.picture}")
        self.report["verdict"] = verdict.outcome.value
        self.report["checks"] = {check.name: check.reason for check in verdict.checks}

    async def _compare(self, store: Store, slot: ServingSlot) -> None:
        stretch = read_stretch("S2", self._plan.messages)
        seen = await self._replay(store, slot, stretch)
        answers = read_answers(stretch.name, str(stretch.lines[0]["room"]), self._questions)
        candidate, _ = (await store.do(learning.candidates))[0]
        files = (gguf_of(self._plan.champion), self._folder / candidate.gguf_path)
        before, after = [await asyncio.to_thread(self._evaluate, file, seen, answers) for file in files]
        table: dict[str, object] = {}
        for old, new in zip(before, after, strict=True):
            title = f"{old.question} on S2: {old.figures['n']:.0f} bursts with a label, none trained on"
            figures = [{**e.figures, "ms_per_item": e.ms_per_item} for e in (old, new)]
            self._screen.compare(title, *figures)
            table[old.question] = {"before": figures[0], "after": figures[1]}
        self.report["s2"] = table
        if slot.revision != candidate.revision:
            self._screen.say("after: the candidate, which does not serve, because it was not promoted")
        self._screen.say("labels by language-model annotators; both models are the same size and read the same prompts")

    def _evaluate(self, gguf: Path, seen: Sequence[Burst], answers: Answers) -> list[Evaluation]:
        items = [label(burst, answers, self._questions, f"S2#{i // 20}") for i, burst in enumerate(seen)]
        decider = open_decider(gguf, self._questions, self.settings.decide)
        try:
            labelled = [item for item in items if item is not None]
            return [evaluate(labelled, q, i, decider) for i, q in enumerate(self._questions)]
        finally:
            decider.close()


def _values(db: Database, answers: Answers) -> dict[str, dict[RequestId, Mapping[str, str]]]:
    """Find what each annotator answers to the requests that stand in Argilla; nobody answers about a burst twice."""
    found: dict[str, dict[RequestId, Mapping[str, str]]] = {}
    for request in requests.in_state(db, RequestState.SENT):
        burst = bursts.get(db, request.burst)
        given = answers.get(burst.message_ids, ()) if burst is not None and request.purpose in _PLAYED else ()
        for answer in given[request.round + 1 :][:1] if request.purpose is Purpose.OVERLAP else given[:1]:
            values = {str(question): str(option) for question, option in answer.options.items()}
            if answer.rewrite is not None:
                values["rewrite"] = answer.rewrite
            found.setdefault(answer.annotator, {})[request.id] = values
    return found


def _mark(outcome: Outcome, colour: Mapping[Outcome, str]) -> str:
    return f"[{colour[outcome]}]{outcome.value}[/{colour[outcome]}]"


def write_report(report: Mapping[str, object], path: Path) -> None:
    """Keep what the demo measured, written aside and renamed."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
