"""What a maintainer wants to change about a question's words: from the command line, and from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.errors import InputError
from models.ids import OptionId
from models.question import Question
from models.wording import Wording, wording_of

WORDS = ("text", "definition", "guidelines")
OPTIONS = "options"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """New words by name (text, definition, guidelines) and by option; what is not named stays."""

    words: Mapping[str, str]
    options: Mapping[str, str]


def given(
    text: str | None, definition: str | None, guidelines: str | None, options: tuple[str, ...], file: Path | None
) -> Given:
    """Put the command line's words over the file's; raises InputError."""
    words, worded = ({}, {}) if file is None else _from_file(file)
    words |= {n: v for n, v in zip(WORDS, (text, definition, guidelines), strict=True) if v is not None}
    for option in options:
        name, equals, said = option.partition("=")
        if not equals:
            raise InputError(f"--option {option!r} is not of the form ID=WORDING")
        worded[name] = said
    return Given(words=words, options=worded)


def changed(question: Question, new: Given) -> Wording:
    """A question's words with these changes; raises InputError for options that it does not have."""
    unknown = [name for name in new.options if not question.has(name)]
    if unknown:
        raise InputError(
            f"{question.id} has no option {', '.join(unknown)}; it offers {', '.join(o.id for o in question.options)}. "
            "Other options make another question: config.toml is the place for it"
        )
    now = wording_of(question)
    return replace(
        now,
        text=new.words.get("text", now.text),
        definition=new.words.get("definition", now.definition),
        guidelines=new.words.get("guidelines", now.guidelines).strip(),
        options={**now.options, **{OptionId(name): words for name, words in new.options.items()}},
    )


def _from_file(file: Path) -> tuple[dict[str, str], dict[str, str]]:
    try:
        tables: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file} is not readable as TOML: {error}") from error
    options = tables.pop(OPTIONS, {})
    if unknown := sorted(set(tables) - set(WORDS)):
        raise InputError(f"{file} has {', '.join(unknown)}; only {', '.join((*WORDS, OPTIONS))} may change")
    if not isinstance(options, dict) or not all(isinstance(v, str) for v in (*tables.values(), *options.values())):
        raise InputError(f'{file}: words are strings, and options a table: options = {{ yes = "it does" }}')
    return tables, options
