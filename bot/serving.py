"""What serves: the champion, with the model server before it and the cascade's small model before both.

All three count as the champion: the server's weights are elsewhere, and the small model is loaded and released with the
file that it stands before. So there is still at most the champion and one challenger in memory.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bot.model_file import model_file
from models.cascade import Bars, Cascade, even_bars
from models.cascade_fit import fit_place, pair_of, read_fit, shipped_place
from models.chat import Burst
from models.circuit import Circuit, State
from models.decider import Decider
from models.fallback import Fallback
from models.ids import BurstId, MemberId, QuestionId, RoomId
from models.llama import LlamaDecider, open_decider
from models.memory import available_mb
from models.remote import RemoteDecider
from models.serving import open_server
from models.settings import Settings

log = structlog.get_logger(__name__)

PROBE = Burst(
    id=BurstId("probe"),
    room=RoomId("probe"),
    sender=MemberId("probe"),
    text="Can anybody read this?",
    window=(),
    started_at=datetime(2000, 1, 1, tzinfo=UTC),
    ended_at=datetime(2000, 1, 1, tzinfo=UTC),
)


def open_serving(path: Path, settings: Settings, sha256: str | None = None) -> Decider:
    """Load a GGUF, whose hash must be the given one, and put before it what config.toml says.

    A server that does not answer delays nothing but the first decision. Raises ModelError where a file cannot be
    served, SettingsError where the server's API key is not set.
    """
    local = open_decider(path, settings.questions, settings.decide, sha256)
    opened: list[Decider] = [local]
    try:
        large: Decider = local
        parts: list[LlamaDecider | RemoteDecider] = [local]
        if settings.decide.backend == "openai":
            server = open_server(settings)
            opened.append(server)
            parts.insert(0, server)
            rule = settings.decide.server
            circuit = Circuit(open_after=rule.open_after, rest_s=rule.rest_s)
            large = Fallback(server, local, circuit, heard=_heard)
        if settings.decide.cascade is None or not _enough_memory(settings):
            return large
        small_path = model_file(settings.decide.cascade, settings)
        small = open_decider(small_path, settings.questions, settings.decide.of_small)
        opened.append(small)
        bars = _bars(small, small_path, parts[0], settings)
        if bars is None:
            small.close()
            return large
        large.decide([PROBE])  # a cascade's own first decision might not reach it
        return Cascade(small, large, questions=settings.questions, bars=bars, acting=_acting(parts, settings))
    except BaseException:
        for decider in opened:
            decider.close()
        raise


def _enough_memory(settings: Settings) -> bool:
    there, needed = available_mb(), settings.decide.cascade_min_memory_mb
    if there is None or there >= needed:
        return True
    log.warning("no cascade: too little memory is available", available_mb=there, cascade_min_memory_mb=needed)
    return False


def _bars(small: LlamaDecider, path: Path, large: LlamaDecider | RemoteDecider, settings: Settings) -> Bars | None:
    if settings.decide.cascade_at is not None:
        return even_bars(settings.questions, settings.decide.cascade_at)
    tokens = settings.decide.of_small.max_prompt_tokens
    pair = pair_of(small.revision, large.revision, small.calibration, settings.questions, tokens)
    bars = read_fit([fit_place(settings.data_dir, pair), shipped_place(path)], pair)
    if bars is None:
        log.warning(
            "no cascade: it has not been fitted for these two models; see `quandary bench cascade --help`",
            small=small.revision,
            large=large.revision,
        )
    return bars


def _acting(parts: Collection[LlamaDecider | RemoteDecider], settings: Settings) -> set[QuestionId]:
    """The questions on which a model may act of itself."""
    found = [(q.id, part.calibration.of(q)) for q in settings.questions for part in parts]
    return {q for q, fitted in found if fitted.reply_at is not None or fitted.silence_at is not None}


def _heard(state: State, why: str) -> None:
    if why:
        log.warning("the model server failed, the local model decides", circuit=state.value, error=why)
    else:
        log.info("the model server answers again", circuit=state.value)
