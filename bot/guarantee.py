"""What is guaranteed about acting, in words: each side's risk, confidence, and the labels that show it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.question import Question

OLDER = "from how many labels its file, an older one, does not say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How one side is spoken of: ``said`` what it does, ``wrong`` what an error is, ``bound`` where acting begins."""

    said: str
    wrong: str
    bound: str


def sides(question: Question, *, first: bool) -> Mapping[str, Words]:
    """Words for the sides of a question; the ``first`` one is what replies and silences hang on."""
    if first:
        return {
            "reply": Words(said="replies", wrong="unwarranted", bound="replies from"),
            "silence": Words(said="silences", wrong="missed questions", bound="stays silent up to"),
        }
    no = " or ".join(question.negatives)
    return {
        "reply": Words(said=f"{question.positive} taken for sure", wrong="wrong", bound="from"),
        "silence": Words(said=f"{no} taken for sure", wrong="wrong", bound="up to"),
    }


def guarantees(question: Question, fitted: Mapping[str, Any], *, first: bool) -> dict[str, str]:
    """A sentence for each side of a question; ``fitted`` are its calibration's fields, as ``quandary status`` has them.

    "replies: at most 10 % unwarranted, at 95 % confidence, shown by 93 audit labels with 1 error; replies from 0.870".
    """
    return {
        side: _sentence(words, side, getattr(question, f"{side}_risk"), question.confidence, fitted)
        for side, words in sides(question, first=first).items()
    }


def _sentence(words: Words, side: str, risk: float, confidence: float, fitted: Mapping[str, Any]) -> str:
    at, shown, errors = fitted[f"{side}_at"], fitted[f"{side}_shown"], fitted[f"{side}_errors"]
    if at is None:
        return f"{words.said}: none of itself, nothing is guaranteed yet; {_lacking(side, shown, fitted)}"
    kind = "audit labels" if fitted["audit"] else "labelled rows, if they are drawn as this group's bursts are,"
    source = f"shown by {shown} {kind} with {errors} error{'' if errors == 1 else 's'}" if shown else OLDER
    promise = f"{words.said}: at most {_percent(risk)} {words.wrong}, at {_percent(confidence)} confidence"
    return f"{promise}, {source}; {words.bound} {at:.3f}"


def _lacking(side: str, shown: int, fitted: Mapping[str, Any]) -> str:
    if shown:
        return "its threshold was shown for a looser target than config.toml asks for; calibrate anew"
    return f"at least {fitted[f'{side}_needed']} more audit labels on this side"


def _percent(share: float) -> str:
    return f"{round(100 * share, 2):g} %"
