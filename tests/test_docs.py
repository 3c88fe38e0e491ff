"""Documents and command line know each other: what is named exists, and what exists is named."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.cli import cli
from retrain.cli import cli as learning

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "models/starter/README.md", *sorted((ROOT / "docs").glob("*.md"))]
UNNAMED = {("bench", "forward"), ("bench", "weights")}  # `bench decide` runs these by itself
LINKS = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")


def typed(page: Path) -> Iterator[list[str]]:
    """The words of each command line: an indented or fenced line up to its remark, or what back-ticks hold."""
    blocks = re.findall(r"^```\n(.*?)^```", text := page.read_text(), re.DOTALL | re.MULTILINE)
    text = re.sub(r"^```\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += [line.strip() for line in text.splitlines() if line.startswith("    ")]
    for line in (*(re.split(r" {2,}| # ", line)[0] for line in lines), *re.findall(r"`([^`]+)`", text)):
        for call in line.replace("[", " ").replace("]", " ").split(";"):
            words = call.split()
            for program in (["quandary"], ["python", "-m", "retrain"]):
                if words[: len(program)] == program and len(words) > len(program):
                    yield words[len(program) :]


def commands(group: click.Group, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands below a group by the words that lead to them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*way, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*way, name))


HERE = dict(commands(cli))
THERE = dict(commands(learning))
LINES = {page: sorted({" ".join(words) for words in typed(page)}) for page in PAGES}


def ways(line: str) -> list[tuple[str, ...]]:
    """The words of a line that lead to commands; ``list | show ID`` leads to two."""
    first, *others = (part.split() for part in line.split(" | "))
    way: tuple[str, ...] = ()
    while first[:1] and first[0] in {"--config", "--log-level"}:  # what every command has stands before it
        first = first[2:]
    for word in first:
        if (*way, word) not in HERE | THERE:
            break
        way = (*way, word)
    return [way, *((*way[:-1], other[0]) for other in others)]


def handed_on(way: tuple[str, ...]) -> bool:
    return way in HERE and [one.name for one in HERE[way].params] == ["arguments"]


def options(way: tuple[str, ...]) -> set[str]:
    command = THERE[way] if way not in HERE or (handed_on(way) and way in THERE) else HERE[way]
    return {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_document_has_typed_exists(page: Path) -> None:
    for line in LINES[page]:
        for way in ways(line):
            assert way in HERE or handed_on(way[:1]) or handed_on(way[:2]), f"there is no `quandary {line}`"
            assert way in HERE or way in THERE, f"there is no `quandary {line}`"
            rest = re.sub(r'"[^"]*"', "TEXT", line.split(way[0], 1)[1])
            said = {word.split("=")[0] for word in rest.split() if re.match("--?[a-z]", word)}
            assert said <= options(way), f"`quandary {line}` has no {said - options(way)}"


def test_every_command_stands_in_a_document() -> None:
    lines = [line for page in PAGES for line in LINES[page]]
    named = {way[:n] for line in lines for way in ways(line) for n in range(1, len(way) + 1)}
    assert {way for way in HERE | THERE if way not in named} - UNNAMED == set()


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for target, heading in LINKS.findall(page.read_text()):
            if "://" in target:
                continue
            other = page.parent / target if target else page
            assert other.exists(), f"{page.name}: {target}"
            if heading:
                titles = re.findall(r"^#+ (.*)$", other.read_text(), re.MULTILINE)
                anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
                assert heading in anchors, f"{page.name}: {target}#{heading}"
