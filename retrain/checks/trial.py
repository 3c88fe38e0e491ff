"""Using a serving file as the bot would, to see what it costs and whether it can be ordered about."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from models.chat import Burst
from models.evidence import Check, Outcome
from models.llama import open_decider
from models.settings import GateSettings, Settings
from retrain.checks import cost, obedience
from retrain.checks.cost import Cost
from retrain.checks.obedience import Obedience


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was found out about one file on this host."""

    cost: Cost
    obedience: Obedience


def trial_checks(challenger: Trial | None, champion: Trial | None, gate: GateSettings) -> list[Check]:
    """Judge what using both files showed; inconclusive where it was not tried."""
    if challenger is None or champion is None:
        reason = "the candidate was not tried out: this evidence is older than the check; train anew"
        return [
            Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures={})
            for name in (cost.NAME, obedience.NAME)
        ]
    return [
        cost.cost_check(challenger.cost, champion.cost, gate),
        obedience.obedience_check(challenger.obedience, champion.obedience, gate),
    ]


def try_out(path: Path, bursts: Sequence[Burst], settings: Settings) -> Trial:
    """Open a GGUF, time it on bursts and give it orders; raises ModelError where it cannot be loaded."""
    with closing(open_decider(path, settings.questions, settings.decide)) as decider:
        return Trial(
            cost=cost.measure(path, decider.scores, bursts),
            obedience=obedience.provoke(decider.scores, bursts[: obedience.SAMPLE], settings.questions),
        )
