"""A dataset's card for people: Markdown made of the card for machines (``card.json``). Pure.

Everything in it is counts, wordings of questions and names that tell nobody which room it is. Cards from before a field
was kept lack it, and its lines.
"""

from collections.abc import Mapping, Sequence
from typing import Any

PARTS = ("train", "calibration", "gate")
ROOMS_SHOWN = 30


def markdown(card: Mapping[str, Any]) -> str:
    """Render a card."""
    blocks = [
        f"# Dataset {card['id'][:12]}",
        _about(card),
        _parts(card),
        _questions(card),
        _labels(card),
        _languages(card),
        _rooms(card),
        _rest(card),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _about(card: Mapping[str, Any]) -> str:
    erased = card.get("erased", 0)
    span = card.get("span")
    lines = [
        f"Labelled bursts of group chats, frozen {card['frozen_at']}.",
        f"Id: `{card['id']}`, the Merkle root over its items.",
        f"Said between {span['from']} and {span['to']}." if span else "",
        f"Split: {card['split']} (holdout share {card['holdout_share']:g}).",
        (
            f"Left out of training: {card['dropped_for_overlap']} that show messages of the holdout, "
            f"{card.get('dropped_as_copies', 0)} that say the same as a held-out burst."
        ),
        f"Erased since: {erased}, each with a tombstone in its place; counts below are those of the day it was frozen.",
    ]
    return "\n".join(line for line in lines if line)


def _parts(card: Mapping[str, Any]) -> str:
    rows = [
        [
            part,
            *(str(found[count]) for count in ("items", "conversations", "audit")),
            "; ".join(_counted(answers) for answers in found["answers"].values()),
        ]
        for part in PARTS
        if (found := card.get(part))
    ]
    questions = ", ".join(card["question_versions"])
    return _table(["part", "bursts", "conversations", "audited", f"answers to {questions}"], rows)


def _questions(card: Mapping[str, Any]) -> str:
    found = card.get("questions")
    if not found:
        return ""
    lines = ["## Questions", ""]
    for name, question in found.items():
        options = "; ".join(f"{option}: {wording}" for option, wording in question["options"].items())
        lines.append(f"- **{name}** (version `{question['version']}`): {question['text']} {question['definition']}")
        lines.append(f"  Options: {options}")
    return "\n".join(lines)


def _labels(card: Mapping[str, Any]) -> str:
    found = card.get("labels")
    if not found:
        return ""
    lines = [
        "## Labels",
        "",
        (
            f"{found['labels']} labels from {found['responses']} answers by {found['annotators']} annotator(s); "
            f"{found['imported']} of them came from files."
        ),
    ]
    for name, agreed in card.get("agreement", {}).items():
        alpha = "cannot be told" if agreed["alpha"] is None else f"{agreed['alpha']:.3f}"
        several = f"{agreed['bursts']} burst(s) answered by several"
        lines.append(f"- agreement on {name}: Krippendorff's alpha {alpha}, {several}")
    for source, one in found["sources"].items():
        lines.append(f"- file {source}: {one['labels']} label(s), licence: {one['licence']}")
    return "\n".join(lines)


def _languages(card: Mapping[str, Any]) -> str:
    found = card.get("languages")
    if not found:
        return ""
    names = sorted({name for counts in found.values() for name in counts})
    rows = [[name, *(str(found[part].get(name, 0)) for part in PARTS)] for name in names]
    return "## Languages\n\nA guess by the script of each burst.\n\n" + _table(["", *PARTS], rows)


def _rooms(card: Mapping[str, Any]) -> str:
    found = card.get("rooms")
    if not found:
        return ""
    rows = [
        [room["name"], room["platform"], *(str(room[part]) for part in PARTS), room["rights"], room["licence"]]
        for room in found[:ROOMS_SHOWN]
    ]
    more = f"\n\n{len(found) - ROOMS_SHOWN} more rooms stand in card.json." if len(found) > ROOMS_SHOWN else ""
    return (
        "## Rooms and rights\n\nRooms are numbered by how many bursts come from them.\n\n"
        + _table(["", "from", *PARTS, "training", "licence"], rows)
        + more
    )


def _rest(card: Mapping[str, Any]) -> str:
    if "masked" not in card:
        return ""
    masked = _counted(card["masked"]) if card["masked"] else "nothing"
    return (
        f"## Privacy\n\nMembers are called S, P1, P2 ... in each burst. Masked in bursts and windows: {masked}. "
        "Masking is by patterns and misses things: treat the texts as personal."
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
