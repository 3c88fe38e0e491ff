"""What a served model is called, and where its calibration stands: a server has no file to hash."""

import hashlib
import json
from pathlib import Path

from models.ids import Revision
from models.settings import DecideSettings

FOLDER = "servers"
POLICY = 1
"""Rises whenever the same answer of a server would be read differently."""


def server_hash(decide: DecideSettings) -> str:
    """SHA-256, in hex, over all that a reading depends on: address, model, form of the prompt, budget, policy.

    A calibration is bound to it. What the server loads under the model's name is the operator's to keep: a server
    that exchanges the weights behind a name does not show.
    """
    server = decide.server
    bound = [server.url, server.model, server.prompt, server.top_logprobs, decide.max_prompt_tokens, POLICY]
    return hashlib.sha256(json.dumps(bound).encode()).hexdigest()


def server_revision(decide: DecideSettings) -> Revision:
    """The revision that decisions carry: the model's name at the server, and the beginning of the hash."""
    return Revision(f"{decide.server.model}@{server_hash(decide)[:12]}")


def calibration_place(data_dir: Path, decide: DecideSettings) -> Path:
    """What stands for the model file: its calibration is beside this path, in the data directory."""
    return data_dir / FOLDER / f"{server_hash(decide)[:12]}.server"
