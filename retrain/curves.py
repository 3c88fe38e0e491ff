"""Loss and learning rate as curves: TensorBoard files in the data directory, W&B or MLflow where config.toml asks.

accelerate's trackers do the writing, so an account, a server or a project is told as their own documentation says, by
environment variables (WANDB_API_KEY, WANDB_MODE, MLFLOW_TRACKING_URI ...). They hear numbers, settings and names of
models; no message of a chat.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

from accelerate import PartialState
from accelerate.tracking import GeneralTracker, MLflowTracker, TensorBoardTracker, WandBTracker

from models.errors import SettingsError, TrainingError
from models.settings import TrainSettings

PROJECT = "quandary"
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
}
"""What each can be written with; any of them will do."""
Curve = Callable[[int, Mapping[str, float]], None]
"""Told the number of a step (from 1) and its values by name."""
Curves = Callable[[str], AbstractContextManager[Curve]]
"""Opens the curves of one training by its name."""
_Maker = Callable[[str, Path, int], GeneralTracker]


def _tensorboard(name: str, folder: Path, first: int) -> GeneralTracker:
    # Steps that a killed run wrote after its last saved state are done again: what stands there for them is dropped.
    return TensorBoardTracker(name, str(folder), purge_step=first)


def _wandb(name: str, folder: Path, _first: int) -> GeneralTracker:
    return WandBTracker(PROJECT, name=name, group=folder.name)


def _mlflow(name: str, folder: Path, _first: int) -> GeneralTracker:
    return MLflowTracker(PROJECT, run_name=f"{folder.name}/{name}")


TRACKERS: Mapping[str, _Maker] = {"tensorboard": _tensorboard, "wandb": _wandb, "mlflow": _mlflow}


@contextmanager
def no_curves(_name: str) -> Iterator[Curve]:
    """Nothing is written."""
    yield lambda _step, _values: None


def curves(train: TrainSettings, folder: Path) -> Curves:
    """Set up what ``train.report_to`` asks for; ``folder`` is where files of this run go, one subfolder a training.

    Raises SettingsError where a package is not installed, before anything is trained.
    """
    for kind in train.report_to:
        if not any(find_spec(package) for package in PACKAGES[kind]):
            raise SettingsError(
                f'train.report_to names "{kind}", but {" or ".join(PACKAGES[kind])} is not installed: '
                f"pip install {PACKAGES[kind][-1]}, or take it out of train.report_to"
            )
    if not train.report_to:
        return no_curves
    told = {name: value for name, value in train.model_dump().items() if isinstance(value, int | float | str)}

    @contextmanager
    def opened(name: str) -> Iterator[Curve]:
        trackers: list[GeneralTracker] = []

        def point(step: int, values: Mapping[str, float]) -> None:
            if not trackers:  # only now is it known where a resumed training goes on
                trackers.extend(_started(train.report_to, name, folder, step, told))
            for tracker in trackers:
                tracker.log(dict(values), step=step)

        try:
            yield point
        finally:
            for tracker in trackers:
                tracker.finish()

    return opened


def _started(
    kinds: Sequence[str], name: str, folder: Path, step: int, told: Mapping[str, int | float | str]
) -> list[GeneralTracker]:
    PartialState(cpu=True)  # the trackers log through it; they compute nothing
    found = []
    for kind in kinds:
        try:
            tracker = TRACKERS[kind](name, folder, step)
            tracker.start()
            if kind != "tensorboard":  # its table of settings would be a second run in the list of runs
                tracker.store_init_configuration(dict(told))
        except Exception as error:  # W&B and MLflow have many kinds of errors, without a common base
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise TrainingError(
                f"{kind} cannot take the curves of {name}: {reason}; see its own settings, or take it out of "
                "train.report_to"
            ) from error
        found.append(tracker)
    return found
