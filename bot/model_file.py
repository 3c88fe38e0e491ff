"""``--model``: a GGUF, or a checkpoint that is converted first and kept."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

from models.errors import ModelError
from models.llama import gguf_of, sha256_of
from models.settings import Settings

FOLDER = "converted"
_RUNGS = tuple(f"starter{step}-{size}" for step in ("", "-base") for size in ("xs", "s", "m", "l"))


def model_file(name: str, settings: Settings) -> Path:
    """Find the GGUF that ``name`` means; a checkpoint folder, or a starter rung that ships none, is converted (Q8_0).

    What was converted stands in the data directory, named by its source's hash. Raises ModelError where there is no
    such model, it cannot be converted, or the learning side, which converts, is not installed.
    """
    weights = sorted(Path(name).expanduser().glob("*.safetensors")) if Path(name).expanduser().is_dir() else []
    if weights and not any(Path(name).expanduser().glob("*.gguf")):
        return _converted(name, [sha256_of(path) for path in weights], settings)
    try:
        return gguf_of(name)
    except ModelError as error:
        if name not in _RUNGS:
            raise ModelError(f"{error}; converted where they are asked for: {', '.join(_RUNGS)}") from error
    return _converted(name, [sha256_of(gguf_of("starter"))], settings)


def _converted(name: str, hashes: list[str], settings: Settings) -> Path:
    digest = hashlib.sha256("\n".join([name, *hashes]).encode()).hexdigest()[:16]
    target = settings.data_dir / FOLDER / f"{Path(name).name}-{digest}.q8_0.gguf"
    if target.exists():
        return target
    if importlib.util.find_spec("torch") is None:
        raise ModelError(f"{name} is a checkpoint, and the learning side that converts it is not installed here")
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "retrain", "export", "gguf", name, str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines() or ["no reason given"]
        raise ModelError(f"{name} could not be converted to GGUF: {said[-1].removeprefix('retrain: ')}")
    return target
