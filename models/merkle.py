"""Hashes of lines and the root over them: what makes a frozen dataset verifiable, with or without all of its text."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from models.ids import QuestionId


def canonical(body: Mapping[str, Any]) -> str:
    """Write JSON in the one form that is hashed: sorted keys, no spaces, ASCII (a lone surrogate stays an escape)."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def leaf(line: str) -> str:
    """Hash of one canonical line, 64 hex digits; the prefix keeps leaves apart from inner nodes."""
    return hashlib.sha256(b"\x00" + line.encode("ascii")).hexdigest()


def merkle_root(leaves: Sequence[str]) -> str:
    """Root (64 hex digits) over leaf hashes in their order; a node without a neighbour moves up unchanged."""
    if not leaves:
        return hashlib.sha256(b"").hexdigest()
    level = [bytes.fromhex(node) for node in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[2 * len(pairs) :]
    return level[0].hex()


def header(layout: int, question_versions: Mapping[QuestionId, str]) -> str:
    """The first leaf of a dataset: its layout, and the wordings that its answers are to."""
    return leaf(canonical({"format": layout, "question_versions": dict(question_versions)}))
