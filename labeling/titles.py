"""The headings of the form, in each language that it can have; questions and options are worded in config.toml."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Tongue = Literal["en", "zh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Titles:
    """Headings of the two fields and of the rewrite, and what stands below that."""

    burst: str
    window: str
    rewrite: str
    rewrite_hint: str


TITLES: Mapping[Tongue, Titles] = {
    "en": Titles(
        burst="The last message: your answers are about this one",
        window="The chat before it",
        rewrite="Only if the earlier chat is needed: rewrite it so that it stands alone",
        rewrite_hint="Optional. Change as little as possible, and add words from the chat only.",
    ),
    "zh": Titles(
        burst="最后一条消息：请只就这一条作答",
        window="此前的聊天",
        rewrite="仅当需要前文时：把它改写成无需前文也能看懂的一句",
        rewrite_hint="可不填。尽量少改，只补充聊天里出现过的词。",
    ),
}


def retitled(
    kind: str, parts: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Which of a dataset's ``fields`` or ``questions`` say ours in another language: path and body of the change.

    Both are in Argilla's own JSON. A title that an admin gave stays.
    """
    ours = {text for titles in TITLES.values() for text in (titles.burst, titles.window, titles.rewrite)}
    new = {str(part["name"]): part for part in wanted}
    for part in parts:
        made = new[str(part["name"])]
        if part["title"] in ours and part["title"] != made["title"]:
            body = {"title": str(made["title"])}
            if kind == "questions":
                body["description"] = str(made["description"])
            yield f"/api/v1/{kind}/{part['id']}", body
