"""Labelling's own branch of the error tree."""

from models.errors import LabelingError


class RefusedError(LabelingError):
    """Argilla understood a call and refused its content: sending the same again will not help."""
