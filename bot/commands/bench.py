"""``quandary bench``: measurements, side by side in one run; each prints a table, or figures with --json."""

import click

from bot.bench.cascade import cascade
from bot.bench.decide import decide
from bot.bench.ingest import ingest
from bot.bench.privacy import privacy
from bot.bench.queue import queue
from bot.commands.learning import hand_on

BENCHES: tuple[click.Command, ...] = (
    decide,
    cascade,
    hand_on(("bench", "accuracy"), "Models beside a rule and a cheap learner, on labelled rows."),
    hand_on(("bench", "acquisition"), "How many labels each way of asking needs, against asking at random."),
    hand_on(("bench", "acquisition-lora"), "The same with real LoRA runs, for a few strategies."),
    hand_on(("bench", "gate"), "How often the gate errs on made-up and real ladders with wrong labels put in."),
    hand_on(("bench", "harness"), "Reading a rung as lm-evaluation-harness does, beside our way."),
    ingest,
    hand_on(("bench", "lowrank"), "Is what fine-tuning does low-rank? All weights beside LoRA, and which rank does."),
    privacy,
    queue,
    hand_on(("bench", "risk"), "How often a threshold's promise is broken, in made-up audit sets."),
    hand_on(("bench", "selection"), "Does training on fewer labels, chosen, pay? Methods and shares beside random."),
    hand_on(("bench", "suspects"), "How many planted wrong labels are found, and how many annotators wrongly blamed."),
    hand_on(("bench", "set-aside"), "Split gold rows as the starter family did: trained on, and set aside."),
    hand_on(("bench", "train"), "Our training step beside TRL's SFTTrainer: speed and memory."),
)
"""One a file in ``bot/bench``; those that need torch are handed on to ``python -m retrain bench``."""


@click.group()
def bench() -> None:
    """Measure speed and quality on this host."""


for measure in BENCHES:
    bench.add_command(measure)
