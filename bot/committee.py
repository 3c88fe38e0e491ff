"""Models that are read beside the deciding one, to find bursts on which a committee disagrees."""

from collections.abc import Sequence
from contextlib import closing

from models.chat import Burst
from models.decision import Decision
from models.llama import gguf_of, open_decider
from models.settings import Settings


def read_beside(bursts: Sequence[Burst], settings: Settings) -> list[list[tuple[Decision, ...]]]:
    """What every model of ``ask.committee`` says about bursts, [model][burst]. Blocking.

    The models are opened for this and closed again: it happens a few times an hour. Raises ModelError where one is
    missing or fails.
    """
    found = []
    for name in settings.ask.committee:
        with closing(open_decider(gguf_of(name), settings.questions, settings.decide)) as decider:
            found.append(decider.decide(bursts))
    return found
