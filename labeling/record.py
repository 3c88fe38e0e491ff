"""What a request looks like in Argilla: the fields and questions of its dataset, and its record."""

from collections.abc import Mapping, Sequence
from html import escape
from uuid import UUID

import argilla as rg
from argilla._models import RecordModel, UserResponseModel
from argilla._models._record._response import ResponseStatus as ArgillaStatus

from labeling.form import Form
from labeling.guidelines import guidelines_of
from labeling.similarity import DIMENSIONS, WORDING, text_vector
from labeling.titles import TITLES, Titles
from models.chat import WindowMessage
from models.question import Question

BURST = "burst"
WINDOW = "window"
REWRITE = "rewrite"
NOTE = "note"
"""Who says why a second record is there, above the message asked about; members have the names of animals."""
HIDDEN = "(You answered this message before; this record of it is for somebody else.)"
"""What stands where a rewrite would, in a record that is hidden from somebody."""
_ROLE_MAX = 20


def settings_of(questions: Sequence[Question], titles: Titles = TITLES["en"]) -> rg.Settings:
    """Make the form that all requests in these wordings share.

    The message asked about stands first and the chat below it in plain lines: a dozen messages as bubbles would push it
    off the screen. Argilla cannot hide a question, so the rewrite's title says when it is wanted.
    """
    return rg.Settings(
        guidelines=guidelines_of(questions),
        fields=[
            rg.ChatField(name=BURST, title=titles.burst, use_markdown=False),
            rg.TextField(name=WINDOW, title=titles.window, use_markdown=False, required=False),
        ],
        questions=[
            *(
                rg.LabelQuestion(
                    name=question.id,
                    title=question.text,
                    description=question.definition,
                    labels={option.id: option.wording for option in question.options},
                    required=not question.after,
                )
                for question in questions
            ),
            rg.TextQuestion(
                name=REWRITE,
                title=titles.rewrite,
                description=titles.rewrite_hint,
                required=False,
                use_markdown=False,
            ),
        ],
        metadata=[
            rg.TermsMetadataProperty(name="room", title="Room"),
            rg.TermsMetadataProperty(name="request", title="Request"),
        ],
        vectors=[rg.VectorField(name=WORDING, title="Wording of the last message", dimensions=DIMENSIONS)],
        distribution=rg.TaskDistribution(min_submitted=1),
    )


def record_of(form: Form, dataset: rg.Dataset, people: Mapping[str, UUID]) -> RecordModel:
    """Make the record of a form, as Argilla takes it; ``people`` are the annotators' ids by name."""
    # Argilla's page puts fields that are not markdown into innerHTML as they are; unescaped, chat text would run there.
    said = [{"role": form.speaker[:_ROLE_MAX] or "?", "content": escape(form.text, quote=False)}]
    if form.note is not None:
        said.insert(0, {"role": NOTE, "content": form.note})
    fields: dict[str, object] = {BURST: said}
    if form.window:
        fields[WINDOW] = escape("\n".join(_line(message) for message in form.window), quote=False)
    record = rg.Record(
        id=form.request,
        fields=fields,
        metadata={"room": form.room, "request": form.request},
        suggestions=[
            rg.Suggestion(question_name=question, value=made.option, score=made.score, agent=made.agent)
            for question, made in form.suggestions.items()
        ],
        vectors={vector.name: text_vector(form.text) for vector in dataset.settings.vectors if vector.name == WORDING},
        _dataset=dataset,
    ).api_model()
    record.responses = _hidden_from(form, people)
    return record


def _line(message: WindowMessage) -> str:
    """Write one message of the chat; further lines of it are set in, so that none passes for somebody else's."""
    return f"{message.sender}: {message.text}".replace("\n", "\n      ")


def _hidden_from(form: Form, people: Mapping[str, UUID]) -> list[UserResponseModel]:
    """Keep a record out of the sight of those who answered before, unless nobody else could see it.

    Argilla shows every record to everybody who has not dealt with it, so a discard is left there in their name.
    """
    if not form.others_only and people.keys() <= set(form.answered_by):
        return []
    values = {REWRITE: {"value": HIDDEN}}
    return [
        UserResponseModel(values=values, status=ArgillaStatus.discarded, user_id=people[name])
        for name in form.answered_by
        if name in people
    ]
