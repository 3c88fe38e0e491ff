"""A vector for each text, so that Argilla's page can find similar ones: no model, only hashed character n-grams.

The hashing trick with signs (Weinberger et al. 2009): every n-gram adds or takes away 1 at a place that its hash says,
so texts that share n-grams point the same way. It finds repeated and reworded questions, but no paraphrase in other
words.
"""

import math
import unicodedata
import zlib
from collections import Counter

DIMENSIONS = 128
WORDING = "wording"
"""The vector's name in Argilla; datasets that earlier versions made have none."""
_SIZES = (2, 3, 4)
_READ_CHARS = 2000


def text_vector(text: str) -> list[float]:
    """Give the vector of a text: ``DIMENSIONS`` numbers, of length 1 together; all 0 for a text without characters.

    Width, case and runs of blanks make no difference. Depends on nothing but the text.
    """
    words = unicodedata.normalize("NFKC", text[:_READ_CHARS]).casefold().split()
    if not words:
        return [0.0] * DIMENSIONS
    line = f" {' '.join(words)} "
    grams = Counter(line[at : at + size] for size in _SIZES for at in range(len(line) - size + 1))
    vector = [0.0] * DIMENSIONS
    for gram, count in grams.items():
        hashed = zlib.crc32(gram.encode("utf-8", "surrogatepass"))
        vector[hashed % DIMENSIONS] += math.copysign(1 + math.log(count), 0.5 - (hashed >> 31))
    length = math.hypot(*vector)
    return [round(number / length, 5) for number in vector] if length else vector
