"""What a request looks like in Argilla: the fields and questions of its dataset, and its record."""

from collections.abc import Mapping, Sequence
from html import escape
from uuid import UUID

import argilla as rg
from argilla._models import RecordModel, UserResponseModel
from argilla._models._record._response import ResponseStatus as ArgillaStatus

from labeling.form import Form
from labeling.guidelines import guidelines_of
from models.question import Question

REWRITE = "rewrite"
NOTE = "note"
"""Who says why a second record is there; members are called S, P1, P2 ..."""
HIDDEN = "(You answered this message before; this record of it is for somebody else.)"
"""What stands where a rewrite would, in a record that is hidden from somebody."""
_ROLE_MAX = 20


def settings_of(questions: Sequence[Question]) -> rg.Settings:
    """Make the form that all requests in these wordings share."""
    return rg.Settings(
        guidelines=guidelines_of(questions),
        fields=[
            rg.ChatField(name="window", title="The chat before it", use_markdown=False, required=False),
            rg.TextField(name="burst", title="The last message, by S", use_markdown=False),
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
                title="Rewrite it so that it stands alone",
                description="Only if it cannot be understood without the chat before it. Add words from the chat only.",
                required=False,
                use_markdown=False,
            ),
        ],
        metadata=[
            rg.TermsMetadataProperty(name="room", title="Room"),
            rg.TermsMetadataProperty(name="request", title="Request"),
        ],
        distribution=rg.TaskDistribution(min_submitted=1),
    )


def record_of(form: Form, dataset: rg.Dataset, people: Mapping[str, UUID]) -> RecordModel:
    """Make the record of a form, as Argilla takes it; ``people`` are the annotators' ids by name."""
    # Argilla's page puts fields that are not markdown into innerHTML as they are; unescaped, chat text would run there.
    window = [{"role": m.sender[:_ROLE_MAX] or "?", "content": escape(m.text, quote=False)} for m in form.window]
    if form.note is not None:
        window.insert(0, {"role": NOTE, "content": form.note})
    record = rg.Record(
        id=form.request,
        fields={"window": window, "burst": escape(form.text, quote=False)},
        metadata={"room": form.room, "request": form.request},
        suggestions=[
            rg.Suggestion(question_name=question, value=made.option, score=made.score, agent=made.agent)
            for question, made in form.suggestions.items()
        ],
        _dataset=dataset,
    ).api_model()
    record.responses = _hidden_from(form, people)
    return record


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
