"""A report as blocks, written as Markdown and as one HTML page that needs nothing else; all text is escaped. Pure."""

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;margin:.5rem 0 1rem;font-size:.9rem}
th,td{border-bottom:1px solid #ddd;padding:.25rem .6rem;text-align:left;vertical-align:top}
th{border-bottom:2px solid #888}
caption{text-align:left;font-weight:600;padding:.3rem 0}
img{max-width:100%;height:auto}
.beside{display:flex;flex-wrap:wrap;gap:0 2.5rem;align-items:flex-start}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_MARKED = re.compile(r"([\\`*_\[\]<>|~$&])")
_LEADING = re.compile(r"^([#+=-]|\d+[.)])(?=\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A PNG; ``file`` is its name beside the Markdown file, the HTML page holds it itself."""

    file: str
    about: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Tables that stand beside each other where there is room."""

    grids: tuple[Grid, ...]


Block = Heading | Paragraph | Grid | Picture | Beside


def markdown(blocks: Sequence[Block]) -> str:
    """The report as Markdown; pictures are files beside it."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def page(title: str, blocks: Sequence[Block]) -> str:
    """The report as one HTML page, which loads nothing."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def plain(text: str) -> str:
    """Text that means nothing to Markdown, on one line."""
    return _MARKED.sub(r"\\\1", " ".join(text.split()))


def _markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {plain(block.text)}"
        case Paragraph():
            return _LEADING.sub(r"\\\1", plain(block.text))
        case Grid():
            rows = [block.header, ("---",) * len(block.header), *block.rows]
            cells = [[cell if place == 1 else plain(cell) for cell in row] for place, row in enumerate(rows)]
            told = "\n".join(f"| {' | '.join(row)} |" for row in cells)
            return f"{plain(block.caption)}\n\n{told}" if block.caption else told
        case Picture():
            return f"![{plain(block.about)}]({block.file})"
        case Beside():
            return "\n\n".join(_markdown(grid) for grid in block.grids)


def _html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{html.escape(block.text)}</p>"
        case Grid():
            caption = f"<caption>{html.escape(block.caption)}</caption>" if block.caption else ""
            head = _row(block.header, "th")
            body = "".join(_row(row, "td") for row in block.rows)
            return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"
        case Picture():
            inside = base64.b64encode(block.content).decode("ascii")
            return f'<p><img alt="{html.escape(block.about)}" src="data:image/png;base64,{inside}"></p>'
        case Beside():
            return f'<div class="beside">{"".join(f"<div>{_html(grid)}</div>" for grid in block.grids)}</div>'


def _row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
