"""From a trained adapter to a candidate's folder: merge, GGUF, quantize, calibrate; whole or not at all.

candidates/<id>/model.gguf               what would serve
candidates/<id>/model.calibration.json   temperature and thresholds, bound to the file by hash
candidates/<id>/adapter/                 the LoRA adapter
candidates/<id>/evidence.json            what the verdict was judged from
candidates/<id>/ladder.png               the ladder
candidates/<id>/selection.png            which labels it was trained on
"""

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import SafetensorError

from models.calibration import Calibration, write_calibration
from models.chat import Burst
from models.errors import ExportError
from models.ids import BurstId, CandidateId, QuestionId
from models.item import Item
from models.llama import LlamaDecider, open_decider, quantize, sha256_of
from models.settings import Settings
from retrain.calibrate import fit_question
from retrain.chatml import with_chat_template
from retrain.checkpoint import load_base
from retrain.gguf_export import export_gguf
from retrain.judged import judged
from retrain.ladder import Course, Readings, read, shipped_adapter
from retrain.lora import merge
from retrain.parity import BurstScores, Drift, compare

FOLDER = "candidates"
MODEL = "model.gguf"
SHIPPED = ("starter-base-xs", "starter-base-m", "starter-l")
"""Rungs that are shipped as GGUF too: for the tests, the demo and the default."""
SAMPLE = 48
"""Bursts on which the GGUF files are compared with the checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A candidate's files in the folder where they are made, and how far they drifted from the checkpoint."""

    folder: Path
    gguf_sha256: str
    adapter_sha256: str
    export: Drift
    drift: Drift


def build(base: str, adapter: Path, bursts: Sequence[Item], settings: Settings, course: Course) -> Build:
    """Make GGUF and quantized file of an adapter in the work folder, and compare both with the merged checkpoint.

    Raises ExportError where a file cannot be written, ModelError where one cannot be loaded.
    """
    folder = course.work / "candidate"
    merged, whole = course.work / "merged", course.work / "whole.gguf"
    sample = list(bursts[:: max(1, len(bursts) // SAMPLE)][:SAMPLE])
    with writing(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copytree(adapter, folder / "adapter")
        with course.stage("merge the adapter and export it as GGUF"):
            merge(base, adapter, merged)
            export_gguf(merged, whole)
        with course.stage(f"quantize to {course.train.quantization}"):
            quantize(whole, folder / MODEL, course.train.quantization, threads=settings.decide.threads)
    with course.stage(f"compare the files with the checkpoint on {len(sample)} bursts") as advance:
        reference = read(load_base(merged), sample, course, advance, everything=True)
        expected = [[reference[q.id][item.burst.id] for q in course.questions] for item in sample]
        drifts = [compare(expected, _scores(path, sample, settings)) for path in (whole, folder / MODEL)]
    shutil.rmtree(merged, ignore_errors=True)
    whole.unlink(missing_ok=True)
    return Build(
        folder=folder,
        gguf_sha256=sha256_of(folder / MODEL),
        adapter_sha256=sha256_of(folder / "adapter" / "adapter_model.safetensors"),
        export=drifts[0],
        drift=drifts[1],
    )


def export_named(name: str, adapter: Path | None, target: Path, kind: str) -> Path:
    """Convert a rung of the starter family, a folder or a hub id to a GGUF; a starter's gold adapter is merged in.

    Raises ModelError where the model cannot be loaded, ExportError where the file cannot be written.
    """
    with writing(target), TemporaryDirectory(prefix="quandary-") as folder:
        target.parent.mkdir(parents=True, exist_ok=True)
        merged = with_chat_template(merge(name, adapter or shipped_adapter(name), Path(folder) / "merged"))
        return quantize(export_gguf(merged, Path(folder) / "whole.gguf"), target, kind)


def export_family(folder: Path) -> list[Path]:
    """Write the GGUF files that ship with the family in ``folder`` (base, adapters), for hosts without torch."""
    made = []
    for name in SHIPPED:
        rung = name.rpartition("-")[2]
        adapter = None if "-base-" in name else folder / "adapters" / rung
        target = folder / "gguf" / f"{name}.q8_0.gguf"
        made.append(export_named(str(folder / "base" / rung), adapter, target, "q8_0"))
    return made


def calibrate(
    gguf: Path, gguf_sha256: str, held: Sequence[Item], readings: Readings, settings: Settings
) -> Calibration:
    """Fit temperature and thresholds on the calibration half of the holdout and write them beside the model.

    Thresholds are fitted on the audit sample; only where none is drawn (``ask.audit_share = 0``) are all labels taken
    for a fair sample, as far as their weights allow.
    """
    audit = settings.ask.audit_share > 0
    fair = [item for item in held if item.audit] if audit else even(held, settings.train.seed)
    calibration = Calibration(
        gguf_sha256=gguf_sha256,
        questions={
            q.id: fit_question(judged(q, held, readings[q.id]), judged(q, fair, readings[q.id]), audit=audit)
            for q in settings.questions
        },
    )
    write_calibration(gguf, calibration)
    return calibration


def even(items: Sequence[Item], seed: int) -> list[Item]:
    """Draw the items that stand for a sample in which each burst has the same chance.

    One that was sampled as often as another of twice its weight is kept half as often.
    """
    rng = random.Random(seed)  # noqa: S311 - sampling, not secrets
    heaviest = max((item.weight for item in items), default=1.0)
    return [item for item in items if rng.random() * heaviest < item.weight]


def read_gguf(path: Path, items: Sequence[Item], settings: Settings, advance: Callable[[int, int], None]) -> Readings:
    """Score items with a GGUF exactly as the bot does, before calibration."""
    with _opened(path, settings) as decider:
        return read_with(decider.scores, items, settings, advance)


def read_with(
    scores_of: Callable[[Burst], list[list[float]]],
    items: Sequence[Item],
    settings: Settings,
    advance: Callable[[int, int], None],
) -> Readings:
    """Score items with an open model: ``scores_of`` gives each question's option scores before calibration."""
    found: dict[QuestionId, dict[BurstId, Sequence[float]]] = {q.id: {} for q in settings.questions}
    for number, item in enumerate(items, start=1):
        for question, scores in zip(settings.questions, scores_of(item.burst), strict=True):
            found[question.id][item.burst.id] = scores
        advance(number, len(items))
    return found


def candidate_id(dataset: str, base: str, gguf_sha256: str) -> CandidateId:
    """Name a candidate after what it is made of (12 hex digits): the same run again gives the same one."""
    return CandidateId(hashlib.sha256(f"{dataset}\n{base}\n{gguf_sha256}".encode()).hexdigest()[:12])


def place(made: Path, target: Path) -> None:
    """Move a candidate's finished folder where it stays; of one that stands already, only small files are renewed.

    The same candidate may be serving, so its model is never touched.
    """
    with writing(target):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            made.replace(target)
            return
        for path in made.iterdir():
            if path.is_file() and path.name != MODEL:
                path.replace(target / path.name)
        shutil.rmtree(made)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failed write into ExportError, with nothing left at ``path`` that was not there before."""
    stood = path.exists()
    try:
        yield
    except (OSError, SafetensorError) as error:
        if not stood:
            shutil.rmtree(path, ignore_errors=True)
        raise ExportError(f"could not write {path}: {error}; no candidate was made") from error


@contextmanager
def _opened(path: Path, settings: Settings) -> Iterator[LlamaDecider]:
    decider = open_decider(path, settings.questions, settings.decide)
    try:
        yield decider
    finally:
        decider.close()


def _scores(path: Path, items: Sequence[Item], settings: Settings) -> list[BurstScores]:
    with _opened(path, settings) as decider:
        return [decider.scores(item.burst) for item in items]
