"""The commands of ``quandary``, one family a file."""

import click

from bot.commands.annotators import annotators
from bot.commands.bench import bench
from bot.commands.demo import demo
from bot.commands.erasure import erasure
from bot.commands.evaluate import evaluate
from bot.commands.labels import labels
from bot.commands.learning import LEARNING
from bot.commands.maintain import approve, candidates, reject, rollback
from bot.commands.replay import replay
from bot.commands.selection import selection
from bot.commands.status import status
from bot.commands.suspects import suspects
from bot.commands.up import up

COMMANDS: tuple[click.Command, ...] = (
    up,
    demo,
    replay,
    evaluate,
    status,
    candidates,
    approve,
    reject,
    rollback,
    annotators,
    labels,
    suspects,
    selection,
    erasure,
    bench,
    *LEARNING,
)
"""In the order in which a newcomer meets them; ``quandary --help`` sorts them by name."""
