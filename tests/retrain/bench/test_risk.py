import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from retrain.bench.risk import Case, errors, run, simulate, standard_cases
from retrain.cli import cli

SETS = 600


def broken(block: int, share: float, profile: str = "level") -> float:
    case = Case(profile=profile, risk=0.1, labels=160, block=block, share=share)
    return simulate(case, SETS, np.random.default_rng(1)).broken


def test_the_promise_is_kept_when_its_assumptions_hold_and_missed_when_errors_come_in_blocks() -> None:
    allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / SETS)
    independent = broken(1, 0.0)
    assert 0.02 < independent <= allowed, "the hardest case uses up what is allowed, and no more"
    assert broken(1, 0.0, "falling") <= allowed
    assert broken(20, 0.6) > allowed, "what docs/maintainers.md warns of"


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_made_up_errors_have_their_rate_and_go_together(share: float) -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([errors(np.full(20, 0.2), 10, share, rng) for _ in range(1500)])
    assert drawn.mean() == pytest.approx(0.2, abs=0.01)
    inside = np.corrcoef(drawn[:, 0], drawn[:, 9])[0, 1]
    across = np.corrcoef(drawn[:, 0], drawn[:, 10])[0, 1]
    assert abs(across) < 0.1
    assert inside == pytest.approx(0.0 if share == 0 else 0.28, abs=0.1)


def test_the_command_tells_all_cases() -> None:
    ended = CliRunner().invoke(cli, ["bench", "risk", "--sets", "20", "--json"], catch_exceptions=False)
    found = json.loads(ended.stdout)
    assert [row["case"]["block"] for row in found] == [case.block for case in standard_cases()]
    assert all(0 <= row["broken"] <= row["acted"] <= 1 for row in found)
    assert run(standard_cases()[:1], 20, 0) == run(standard_cases()[:1], 20, 0)
    assert "broken" in CliRunner().invoke(cli, ["bench", "risk", "--sets", "5"], catch_exceptions=False).stdout
