"""What annotators get to see of a request: friendly names, masked text, and the machine's view unless it is blind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.chat import Burst, WindowMessage
from models.chattext import MAX_BURST_CHARS, MAX_MESSAGE_CHARS, clean, rename
from models.decision import Decision
from models.ids import OptionId, QuestionId, RequestId
from models.labels import Purpose, Request
from models.privacy import mask
from models.question import Question

_MASKED_CHARS = 20_000

NOTES: Mapping[Purpose, str] = {
    Purpose.ADJUDICATE: "Answers to this one differ. Yours decides.",
    Purpose.REVIEW: "Please look again at this one.",
}
"""What annotators read above second records; it says why they are asked, and nothing of what anybody answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The option that a model holds most likely, its probability (0..1), and which model that was."""

    option: OptionId
    score: float
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One record of the labelling queue; its id is the request's, so that sending it twice changes nothing.

    ``speaker`` sent the text, ``note`` stands above it. ``answered_by`` names people who have had their say about the
    burst: the record is not shown to them, unless there is nobody else; with ``others_only`` it waits for somebody
    else.
    """

    request: RequestId
    room: str
    window: tuple[WindowMessage, ...]
    speaker: str
    text: str
    suggestions: Mapping[QuestionId, Suggestion] = field(default_factory=dict)
    note: str | None = None
    answered_by: tuple[str, ...] = ()
    others_only: bool = False


def fill(
    request: Request,
    burst: Burst,
    decisions: Sequence[Decision],
    questions: Sequence[Question],
    *,
    room: str,
    names: Mapping[str, str],
    suggest: bool,
    answered_by: Sequence[str] = (),
) -> Form:
    """Make the form of a request. ``room`` is the room's alias; blind requests and second records carry no suggestion.

    ``names`` has a friendly name for everybody who speaks in burst and window. Of several decisions on a question the
    last counts; decisions on another version of it are left out.
    """
    shown = [(names[m.sender], _shown(m.text, names, MAX_MESSAGE_CHARS)) for m in burst.window]
    window = tuple(WindowMessage(sender=sender, text=text) for sender, text in shown if text)
    versions = {question.id: question.version for question in questions}
    suggestions = {
        decision.question: Suggestion(
            option=decision.best,
            score=min(1.0, max(0.0, decision.probabilities[decision.best])),
            agent=f"quandary-{decision.revision}",
        )
        for decision in decisions
        if suggest and not request.unswayed and versions.get(decision.question) == decision.question_version
    }
    text = _shown(burst.text, names, MAX_BURST_CHARS)
    return Form(
        request=request.id,
        room=room,
        window=window,
        speaker=names[burst.sender],
        text=text,
        suggestions=suggestions,
        note=NOTES.get(request.purpose),
        answered_by=() if request.purpose.first else tuple(answered_by),
        others_only=request.purpose is Purpose.OVERLAP,
    )


def _shown(text: str, names: Mapping[str, str], limit: int) -> str:
    """Rename, mask, then shorten: a secret cut in two would no longer look like one. Lines stay lines."""
    if len(text) > _MASKED_CHARS:
        half = _MASKED_CHARS // 2
        text = f"{text[:half]} … {text[-half:]}"
    bounded = mask(rename(text, names))
    if len(bounded) > limit:
        return clean(bounded, limit)
    return "\n".join(clean(line, limit) for line in bounded.split("\n")).strip()
