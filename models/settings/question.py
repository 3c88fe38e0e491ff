"""[[question]] tables, and those that ship."""

import tomllib
from importlib import resources
from typing import Annotated

from pydantic import Field

from models.ids import OptionId, QuestionId
from models.question import Option, Question
from models.settings.table import Table


class OptionTable(Table):
    """One option of a question."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    wording: Annotated[str, Field(min_length=1, max_length=80)]


class QuestionTable(Table):
    """One [[question]]."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    text: Annotated[str, Field(min_length=1, max_length=200)]
    definition: Annotated[str, Field(min_length=1, max_length=600)]
    options: Annotated[tuple[OptionTable, ...], Field(min_length=2, max_length=8)]
    positive: str
    abstain: str | None = None
    label_abstain: bool = True
    after: dict[str, str] = Field(default_factory=dict)
    guidelines: str = ""
    reply_risk: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    silence_risk: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    confidence: Annotated[float, Field(ge=0.5, lt=1.0)] = 0.95

    def question(self) -> Question:
        """Make the record that everything else uses."""
        return Question(
            id=QuestionId(self.id),
            text=self.text,
            definition=self.definition,
            options=tuple(Option(id=OptionId(o.id), wording=o.wording) for o in self.options),
            positive=OptionId(self.positive),
            abstain=OptionId(self.abstain) if self.abstain is not None else None,
            after={QuestionId(q): OptionId(o) for q, o in self.after.items()},
            guidelines=self.guidelines.strip(),
            reply_risk=self.reply_risk,
            silence_risk=self.silence_risk,
            confidence=self.confidence,
            label_abstain=self.label_abstain,
        )


def shipped_questions() -> tuple[QuestionTable, ...]:
    """The two questions that are asked where config.toml has none."""
    text = resources.files("models.settings").joinpath("questions.toml").read_text(encoding="utf-8")
    return tuple(QuestionTable.model_validate(table) for table in tomllib.loads(text)["question"])
