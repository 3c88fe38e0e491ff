"""What is to be exported: a candidate, the champion, a starter rung, a folder or a hub id."""

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from models.errors import ExportError, InputError, ModelError
from models.evidence import Candidate, Verdict
from models.frozen import CARD
from models.llama import sha256_of
from models.llama.resolve import ALIASES
from models.settings import Settings
from models.store import learning
from models.store.database import open_database
from models.store.promotions import current_slot
from retrain.checkpoint import STARTER, resolve
from retrain.dataset import FOLDER as DATASETS
from retrain.gguf_lora import WEIGHTS
from retrain.ladder import shipped_adapter

CHAMPION = "champion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """``adapter`` is laid over ``base``, which for a candidate may be a starter with its own adapter merged in.

    ``candidate``, ``verdict`` and ``card`` (of its dataset) are None where there is none; ``gguf`` is the judged file.
    """

    name: str
    base: str
    adapter: Path | None
    candidate: Candidate | None = None
    verdict: Verdict | None = None
    card: dict[str, Any] | None = None
    gguf: Path | None = None

    @property
    def base_name(self) -> str:
        """The base as others are told of it: no path of this machine."""
        return self.base if self.on_hub or self.base.startswith("starter-") else Path(self.base).name

    @property
    def on_hub(self) -> bool:
        """Whether others can get the base by its name."""
        return not self.base.startswith("starter-") and not Path(self.base).expanduser().exists()


def find(name: str, settings: Settings) -> Source:
    """Find what a name means: a candidate's id or its first digits comes first.

    Raises InputError where it means nothing or more than one thing, ExportError where a file of a candidate changed.
    """
    with closing(open_database(settings.data_dir)) as db:
        known, slot = learning.candidates(db), current_slot(db)
    if name == CHAMPION:
        serving = None if slot is None else slot.candidate
        found = [pair for pair in known if pair[0].id == serving]
        if not found:
            return find(settings.decide.model, settings)
    else:
        found = [pair for pair in known if len(name) >= 4 and pair[0].id.startswith(name)]
    if len(found) > 1:
        raise InputError(f"{len(found)} candidates have an id that begins with {name!r}; say more of it")
    return _candidate(*found[0], settings) if found else _named(ALIASES.get(name, name), known)


def config_of(base: str) -> dict[str, Any]:
    """A base's transformers configuration; raises ModelError where it is not to be had."""
    try:
        found: dict[str, Any] = AutoConfig.from_pretrained(resolve(base)[0]).to_dict()
    except (OSError, ValueError) as error:
        raise ModelError(f"the configuration of {base} is not to be had: {str(error).splitlines()[0]}") from error
    return found


def _candidate(candidate: Candidate, verdict: Verdict, settings: Settings) -> Source:
    adapter, gguf = settings.data_dir / candidate.adapter_path, settings.data_dir / candidate.gguf_path
    if sha256_of(adapter / WEIGHTS) != candidate.adapter_sha256:
        raise ExportError(f"the adapter of candidate {candidate.id} is not the one that was judged; train anew")
    card = settings.data_dir / DATASETS / candidate.dataset / CARD
    try:
        told = json.loads(card.read_text(encoding="ascii"))
    except (OSError, ValueError):  # the dataset may have been removed since
        told = None
    return Source(
        name=f"quandary-{candidate.id}",
        base=candidate.base,
        adapter=adapter,
        candidate=candidate,
        verdict=verdict,
        card=told,
        gguf=gguf if gguf.exists() and sha256_of(gguf) == candidate.gguf_sha256 else None,
    )


def _named(name: str, known: list[tuple[Candidate, Verdict]]) -> Source:
    shipped = shipped_adapter(name)
    if shipped is not None:
        return Source(name=name, base=name.replace("starter-", "starter-base-"), adapter=shipped)
    folder = Path(name).expanduser()
    if name.endswith(".gguf"):
        raise InputError(f"{name} is a GGUF already, which cannot be taken apart; name a checkpoint or a candidate")
    if (folder / "adapter_config.json").exists():
        base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"]
        return Source(name=folder.name, base=str(base), adapter=folder)
    if folder.is_dir() or (STARTER / "base" / name.removeprefix("starter-base-")).is_dir() or "/" in name:
        return Source(name=folder.name, base=name, adapter=None)
    told = ", ".join(candidate.id for candidate, _ in known) or "none"
    raise InputError(f"{name!r} is no candidate ({told}), no rung of the starter family, no folder and no hub id")
