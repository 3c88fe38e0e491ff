"""The error tree: what happened, to what, and what to do about it.

    QuandaryError (1)
    +-- SettingsError (2)      config.toml, command line
    +-- InputError (3)         a file of messages or labelled rows
    +-- ModelError (4)         a missing, corrupt or unsuitable language model
    +-- StoreError (5)         the database
    +-- LabelingError (6)      Argilla unreachable, unauthorised, of another version
    +-- PlatformError (7)      a chat platform
    +-- TrainingError (8)      a run that cannot start or go on
    |   +-- TooFewLabels
    +-- PromotionError (9)     an approval that does not bind what it should
    +-- ExportError (10)       a file that could not be written

The number is the exit status of the command line. A failed gate is a Verdict, not an error.
"""


class QuandaryError(Exception):
    """Anything that Quandary can explain in one sentence; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class SettingsError(QuandaryError):
    """config.toml or an option is wrong; the message lists every fault with its path."""

    exit_code = 2


class InputError(QuandaryError):
    """An input file is missing or malformed; the message names file and line."""

    exit_code = 3


class ModelError(QuandaryError):
    """A language model is missing, corrupt, or not of a shape that can be served."""

    exit_code = 4


class StoreError(QuandaryError):
    """The database cannot be opened, written or understood."""

    exit_code = 5


class LabelingError(QuandaryError):
    """The labelling server cannot be reached, refuses us, or answers in a way we do not know."""

    exit_code = 6


class PlatformError(QuandaryError):
    """A chat platform refuses us or answers in a way we do not know."""

    exit_code = 7


class TrainingError(QuandaryError):
    """A training run cannot start or cannot go on."""

    exit_code = 8


class TooFewLabels(TrainingError):  # noqa: N818 - a state that is reported, rather than a fault
    """There are not enough labels to train or judge; the message says how many are missing."""


class PromotionError(QuandaryError):
    """An approval, rejection or rollback that cannot be carried out as asked."""

    exit_code = 9


class ExportError(QuandaryError):
    """A file could not be written whole (disk full, no permission); nothing half-written was left."""

    exit_code = 10
