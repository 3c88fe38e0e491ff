"""What is compared: methods and filters, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from retrain.selection.choice import Plan
from retrain.selection.methods import IFD, LEARNABILITY, MARGIN
from retrain.selection.methods import RANDOM as BY_CHANCE
from retrain.selection.quotas import Balance

SHARES = (0.06, 1 / 6, 0.5, 1.0)
"""The paper's 6 %, a sixth, a half, and all."""
RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A method with its filters, and the losses it sees: fitted ones, raw ones, or with heads on few labels as base."""

    method: str
    balance: Balance = "rates"
    drop_near_duplicates: bool = False
    losses: Literal["fitted", "raw", "few"] = "fitted"

    def plan(self, share: float, seed: int) -> Plan:
        """What is chosen by this arm: a share (0..1) of the labels."""
        return Plan(
            method=self.method,
            share=share,
            drop_near_duplicates=self.drop_near_duplicates,
            balance=self.balance,
            seed=seed,
        )


ARMS: Mapping[str, Arm] = {
    RANDOM: Arm(method=BY_CHANCE),
    "random, unbalanced": Arm(method=BY_CHANCE, balance="none"),
    "random, even": Arm(method=BY_CHANCE, balance="even"),
    "random, no near-duplicates": Arm(method=BY_CHANCE, drop_near_duplicates=True),
    "margin": Arm(method=MARGIN),
    "margin, even": Arm(method=MARGIN, balance="even"),
    "learnability": Arm(method=LEARNABILITY),
    "learnability, unbalanced": Arm(method=LEARNABILITY, balance="none"),
    "learnability, raw losses": Arm(method=LEARNABILITY, losses="raw"),
    "learnability, base of 50 labels": Arm(method=LEARNABILITY, losses="few"),
    "IFD": Arm(method=IFD),
    "IFD, unbalanced": Arm(method=IFD, balance="none"),
}
"""Rates of the answers are kept unless the name says otherwise."""
