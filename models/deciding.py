"""From a question's option scores to a Decision: the same steps whichever backend read the scores. Pure."""

from collections.abc import Sequence
from datetime import datetime

from models.calibration import Calibration, sure_option
from models.chat import Burst
from models.decision import Decision
from models.ids import Revision
from models.question import Question
from models.scoring import distribution, margin


def decision(
    burst: Burst,
    question: Question,
    scores: Sequence[float],
    calibration: Calibration,
    *,
    revision: Revision,
    milliseconds: float,
    at: datetime,
) -> Decision:
    """Calibrate a question's averaged option scores (nats) and say what they make sure of."""
    fitted = calibration.of(question)
    probabilities = distribution(question, scores, fitted.temperature)
    return Decision(
        burst=burst.id,
        question=question.id,
        question_version=question.version,
        probabilities=probabilities,
        margin=margin(probabilities),
        sure=sure_option(question, probabilities, fitted),
        revision=revision,
        milliseconds=milliseconds,
        decided_at=at,
    )
