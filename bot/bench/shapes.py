"""GGUF files of random weights in a well-known shape, made once and kept in a folder."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from models.errors import ExportError, ModelError
from models.llama import quantize


def gguf_of_shape(shape: str, kinds: tuple[str, ...], folder: Path) -> dict[str, Path]:
    """Find or make the shape in each quantization; raises ModelError where the learning side is not installed.

    The F16 file between them is removed; what it takes is twice the shape's parameters in bytes.
    """
    found = {kind: folder / f"{shape}.{kind}.gguf" for kind in kinds}
    missing = {kind: path for kind, path in found.items() if not path.exists()}
    if not missing:
        return found
    source = folder / f"{shape}.f16.gguf"
    if not source.exists():
        _write(shape, source)
    for kind, path in missing.items():
        quantize(source, path, kind)
    source.unlink()
    return found


def learning_side() -> bool:
    """Tell whether ``python -m retrain`` can run here."""
    return importlib.util.find_spec("torch") is not None and importlib.util.find_spec("gguf") is not None


def _write(shape: str, target: Path) -> None:
    if not learning_side():
        raise ModelError(
            "random weights are written by the learning side, which is not installed here: "
            "name a GGUF with --model, or install Quandary with its extra [retrain]"
        )
    command = [sys.executable, "-m", "retrain", "bench", "weights", shape, str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines() or ["no reason given"]
        raise ExportError(f"no weights in the shape {shape}: {said[-1].removeprefix('retrain: ')}")
