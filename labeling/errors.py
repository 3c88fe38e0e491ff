"""Labelling's own branches of the error tree."""

from models.errors import LabelingError


class RefusedError(LabelingError):
    """Argilla understood a call and refused its content: sending the same again will not help."""


class UnreachableError(LabelingError):
    """Nobody answers where Argilla should be, or not now: it may be there later, and waiting is all there is to do."""
