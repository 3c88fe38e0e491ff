"""Whether there are so many labels that what is not seen is not there. Pure."""

import numpy as np

from retrain.judged import Judged, scored
from retrain.rivals import LEAST_OF_EACH

PLENTY = 500
"""With so many labels of a question, a ladder without a rise is a fault and no lack of labels."""
PLENTY_CONVERSATIONS = 20
"""... if they come from so many conversations: Page's test gains its power from blocks."""


def plenty(rows: Judged) -> bool:
    """Tell whether a rise or an edge over the majority would have been seen, so that none seen is a fault.

    Items of one conversation are alike, and labels of one answer leave nothing to tell apart.
    """
    answers = np.bincount(scored(rows).gold.astype(np.int64), minlength=2)
    return (
        len(rows) >= PLENTY
        and len(set(rows.conversations)) >= PLENTY_CONVERSATIONS
        and int(answers.min()) >= LEAST_OF_EACH
    )
