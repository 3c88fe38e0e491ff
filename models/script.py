"""Which language a text may be in, by the script of its letters: a guess for statistics, good enough to count by."""

import unicodedata
from collections import Counter

LOOKED_AT = 500
"""Characters of a text that are looked at."""
UNKNOWN = "no letters"
_HAN, _KANA = "CJK", frozenset({"HIRAGANA", "KATAKANA"})
_HAN_WEIGHT = 3
"""A Chinese character says about what three Latin letters say, so English terms do not outweigh it."""
_NAMES = {
    "LATIN": "Latin letters",
    "CYRILLIC": "Cyrillic letters",
    "ARABIC": "Arabic letters",
    _HAN: "Chinese",
    "HANGUL": "Korean",
    "GREEK": "Greek",
    "HEBREW": "Hebrew",
    "THAI": "Thai",
}


def language(text: str) -> str:
    """Name the language, or the script that several share ("Latin letters": English, as a rule, but who knows)."""
    found: Counter[str] = Counter()
    for character in unicodedata.normalize("NFKC", text[:LOOKED_AT]):
        if character.isalpha():
            script = unicodedata.name(character, UNKNOWN).split()[0]
            found[script] += _HAN_WEIGHT if script == _HAN else 1
    if not found:
        return UNKNOWN
    kana = sum(found[script] for script in _KANA)
    if kana and kana * 4 >= sum(found.values()) - found["LATIN"]:
        return "Japanese"
    script = min(found, key=lambda name: (-found[name], name))
    return _NAMES.get(script, f"{script.capitalize()} letters")
