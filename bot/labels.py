"""Where labelling stands, as figures."""

from datetime import UTC, datetime
from typing import Any

from models.question import versions
from models.settings import Settings
from models.store import standing
from models.store.database import Database


def standing_of(db: Database, settings: Settings) -> dict[str, Any]:
    """Gather labels by question and option, what waits, what ties, was discarded or is stale, and who did what."""
    waiting = standing.waiting(db)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "questions": {
            question.id: {
                "version": question.version,
                "options": standing.by_option(db, question.id, question.version),
                "unsettled": standing.unsettled(db, question.id, question.version),
                "stale": len(standing.stale(db, {question.id: question.version})),
            }
            for question in settings.questions
        },
        "waiting": waiting,
        "in_adjudication": waiting.get("adjudicate", 0),
        "discarded": standing.discarded(db),
        "stale": len(standing.stale(db, versions(settings.questions))),
        "renewed_today": standing.renewed_since(db, today),
        "imported": standing.imported(db),
        "annotators": standing.by_annotator(db),
    }
