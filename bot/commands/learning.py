"""Commands of the learning side, handed on to ``python -m retrain``: the bot itself needs no torch."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from click.core import ParameterSource

from models.errors import TrainingError
from models.program import CALLED_AS

NAMES: Mapping[str, str] = {
    "cycle": "Everything from labels to a judged candidate, as the schedule does at night.",
    "train": "Train one adapter, without a ladder, a gate or a candidate.",
    "ladder": "Read the ladder, untrained and tuned, and draw it: `quandary ladder run`.",
    "gate": "Judge a candidate once more, under the settings as they are now.",
    "verdict": "List verdicts; show one, reached again from its stored evidence and compared.",
    "revise": "Try another wording of a question on the same labels; adopt it, or take it back; show the history.",
    "calibrate": "Fit a model's temperature and thresholds on labelled rows.",
    "dataset": "Look at frozen datasets, and at what two files of labelled rows share.",
    "reliability": "Do a model's probabilities mean what they say? Calibration error before and after its temperature.",
    "sweep": "The paper's experiments: a plan of rungs, methods, ranks and rates, trained, judged and reported.",
    "scaling": "Does a ladder of any model family agree better with its labels as it grows? Reads tables and items.",
    "export": "Write an adapter, a merged model or a GGUF for use elsewhere.",
    "starter": "Train the starter family from scratch.",
}
_WITH_SETTINGS = {*NAMES, "bench"} - {"scaling"}
_GROUPS = {"bench", "dataset", "export", "ladder", "verdict"}
"""By themselves they only tell what they hold, and take no settings."""


def hand_on(words: tuple[str, ...], about: str) -> click.Command:
    """A command that passes its arguments on untouched, --help included, and ends as the learning side ends."""

    @click.pass_context
    def run(context: click.Context, arguments: tuple[str, ...]) -> None:
        if importlib.util.find_spec("torch") is None:
            raise TrainingError("the learning side is not installed here; install Quandary with its extra [retrain]")
        whole = [*words, *arguments]
        root = context.find_root()
        given = root.get_parameter_source("config") is not ParameterSource.DEFAULT
        named = any(argument.split("=")[0] == "--config" for argument in whole)
        bare = len(whole) == 1 and whole[0] in _GROUPS
        if given and whole and whole[0] in _WITH_SETTINGS and not named and not bare:
            whole += ["--config", str(Path(root.params["config"]).resolve())]
        called = root.info_name or "quandary"
        context.exit(_wait([sys.executable, "-m", "retrain", *whole], called if words else f"{called} retrain"))

    untouched = {"ignore_unknown_options": True, "help_option_names": []}
    command = click.command(words[-1] if words else "retrain", help=about, context_settings=untouched)
    return command(click.argument("arguments", nargs=-1, type=click.UNPROCESSED)(run))


def _wait(command: list[str], called: str) -> int:
    """Run to the end; ctrl-C reaches the learning side too, so we wait for it to end in its own way.

    ``called`` is what its help says before the command's name.
    """
    with subprocess.Popen(command, env={**os.environ, CALLED_AS: called}) as running:
        while True:
            try:
                status = running.wait()
            except KeyboardInterrupt:
                continue
            return status if status >= 0 else 128 - status


LEARNING: tuple[click.Command, ...] = (
    *(hand_on((name,), about) for name, about in NAMES.items()),
    hand_on((), "Any command of the learning side: `quandary retrain --help`."),
)
