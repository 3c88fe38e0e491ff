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
    level = list(leaves)
    while len(level) > 1:
        pairs = [_joined(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[2 * len(pairs) :]
    return level[0]


def proof(leaves: Sequence[str], place: int) -> list[str]:
    """What proves that the leaf at ``place`` stands under the root: sibling hashes from it up, "" where it has none."""
    level, found = list(leaves), []
    while len(level) > 1:
        sibling = place ^ 1
        found.append(level[sibling] if sibling < len(level) else "")
        level = [_joined(a, b) for a, b in zip(level[::2], level[1::2], strict=False)] + level[len(level) & ~1 :]
        place //= 2
    return found


def proves(node: str, place: int, path: Sequence[str], root: str) -> bool:
    """Tell whether a leaf stands at a place under a root, by its proof alone: no other item is needed."""
    for sibling in path:
        if sibling:
            node = _joined(sibling, node) if place % 2 else _joined(node, sibling)
        place //= 2
    return node == root


def header(layout: int, question_versions: Mapping[QuestionId, str]) -> str:
    """The first leaf of a dataset: its layout, and the wordings that its answers are to."""
    return leaf(canonical({"format": layout, "question_versions": dict(question_versions)}))


def _joined(left: str, right: str) -> str:
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()
