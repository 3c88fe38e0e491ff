"""What a revision of a question changes: the words, never what they are about. Pure.

Ids, the positive and the abstaining option and the risks stay, so labels of all wordings can be set side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from models.errors import SettingsError
from models.ids import OptionId, QuestionId
from models.question import Option, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """All that people and models read of a question."""

    text: str
    definition: str
    guidelines: str
    options: Mapping[OptionId, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A wording that a maintainer adopted instead of config.toml's.

    ``over`` is the version of the question that config.toml had then: the wording holds as long as it has it still.
    """

    question: QuestionId
    wording: Wording
    over: str
    by: str
    at: datetime

    def holds(self, own: Question) -> bool:
        """Tell whether config.toml's own question is still the one that this was adopted over."""
        return own.id == self.question and own.version == self.over


def wording_of(question: Question) -> Wording:
    """A question's words."""
    return Wording(
        text=question.text,
        definition=question.definition,
        guidelines=question.guidelines,
        options={option.id: option.wording for option in question.options},
    )


def reworded(question: Question, wording: Wording) -> Question:
    """The same question in other words; raises SettingsError where these are not of the same options."""
    if set(wording.options) != {option.id for option in question.options}:
        raise SettingsError(
            f"a wording of {question.id} needs words for {', '.join(o.id for o in question.options)}, "
            f"not for {', '.join(wording.options) or 'none'}"
        )
    return replace(
        question,
        text=wording.text,
        definition=wording.definition,
        guidelines=wording.guidelines,
        options=tuple(Option(id=o.id, wording=wording.options[o.id]) for o in question.options),
    )
