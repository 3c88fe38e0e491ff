"""What somebody types into the search box, as an FTS5 expression, and the folding that text and query share.

Every character of the scripts that are written without spaces (Chinese, Japanese, Thai ...) is a word of its own, so
that a query of one or two of them finds what it should; Korean syllables too, since particles hang on to words.
"""

import re
import unicodedata
from dataclasses import dataclass

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_TERM = re.compile(r'(?P<either>\|)|(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"|]+))')


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMatch:
    """An FTS5 expression; with ``negated`` what is searched for is all that it does not match."""

    expression: str
    negated: bool = False


def fold(text: str) -> str:
    """Bring text into the form that is indexed: one width, no case, unspaced scripts as single characters.

    Diacritics are left to FTS5's tokenizer, which ignores them.
    """
    return _UNSPACED.sub(r" \g<0> ", unicodedata.normalize("NFKC", text).casefold())


def text_match(query: str) -> TextMatch | None:
    """Translate a query; None where nothing in it can be searched for.

    All words have to occur, in any order. Words in double quotes are a phrase, ``word*`` is a prefix, ``a | b`` either
    of two, ``-word`` must not occur; all else is plain text.
    """
    wanted: list[list[str]] = []
    unwanted: list[str] = []
    either = False
    for term in _TERM.finditer(query.replace("\0", " ")):
        if term["either"]:
            either = bool(wanted)
            continue
        quoted = _quoted(term["word"], term["phrase"])
        if quoted is None:
            continue
        if term["minus"]:
            unwanted.append(quoted)
        elif either:
            wanted[-1].append(quoted)
        else:
            wanted.append([quoted])
        either = False
    forbidden = f"({' OR '.join(unwanted)})"
    if not wanted:
        return TextMatch(expression=forbidden, negated=True) if unwanted else None
    required = " AND ".join(f"({' OR '.join(group)})" for group in wanted)
    return TextMatch(expression=f"({required}) NOT {forbidden}" if unwanted else required)


def _quoted(word: str | None, phrase: str | None) -> str | None:
    text = phrase if word is None else word
    folded = fold((text or "").replace("*", " ")).strip()
    if not any(c.isalnum() for c in folded):
        return None
    return f'"{folded}"' + ("*" if word is not None and word.endswith("*") else "")
