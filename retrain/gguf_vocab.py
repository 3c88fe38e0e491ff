"""The vocabulary of a byte-level BPE tokenizer, as GGUF wants it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import TokenType

from models.errors import ExportError

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PRE_TOKENIZERS = {_WORDS + r"\p{N}" + _REST: "qwen2", _WORDS + r"\p{N}{1,3}" + _REST: "llama-bpe"}
"""llama.cpp's name for the regular expression that splits text before byte pairs are merged."""
TEMPLATE = "chat_template.jinja"
"""Where transformers 5 keeps a chat template; before, it stood in tokenizer_config.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Tokens by id, their kinds, the merges in order of rank, and the name of the pre-tokenizer."""

    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    pre: str
    special: Mapping[str, int]
    """``bos``, ``eos`` and ``pad``, as far as the checkpoint names them."""
    chat_template: str | None


def read_vocabulary(checkpoint: Path, size: int) -> Vocabulary:
    """Read a checkpoint's tokenizer.json and pad it to the ``size`` rows of the model's embedding.

    Special tokens become CONTROL, so that only a trusted template can produce them; rows without a token become
    ``[PADi]``, UNUSED. Raises ExportError where the tokenizer is not byte-level BPE, its pre-tokenizer is not one that
    llama.cpp knows, or it has more tokens than the model has rows.
    """
    tokenizer = read_json(checkpoint / "tokenizer.json")
    model = tokenizer.get("model", {})
    if model.get("type") != "BPE":
        kind = model.get("type")
        raise ExportError(f"{checkpoint} has a tokenizer of type {kind!r}; only byte-level BPE is exported")
    by_id: dict[int, str] = {i: token for token, i in model["vocab"].items()}
    kinds: dict[int, int] = dict.fromkeys(by_id, TokenType.NORMAL)
    for added in tokenizer.get("added_tokens", []):
        by_id[added["id"]] = added["content"]
        kinds[added["id"]] = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
    if by_id and max(by_id) >= size:
        raise ExportError(f"{checkpoint} has token ids up to {max(by_id)} but only {size} embedding rows")
    return Vocabulary(
        tokens=tuple(by_id.get(i, f"[PAD{i}]") for i in range(size)),
        kinds=tuple(int(kinds.get(i, TokenType.UNUSED)) for i in range(size)),
        merges=tuple(m if isinstance(m, str) else " ".join(m) for m in model["merges"]),
        pre=_pre_tokenizer(tokenizer.get("pre_tokenizer") or {}, checkpoint),
        special=_special_ids(checkpoint, {token: i for i, token in by_id.items()}),
        chat_template=chat_template(checkpoint),
    )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a checkpoint; raises ExportError naming the file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"the checkpoint's {path} is not readable: {error}; save the checkpoint again") from error
    if not isinstance(found, dict):
        raise ExportError(f"the checkpoint's {path} holds no JSON object; save the checkpoint again")
    return found


def _pre_tokenizer(node: Mapping[str, Any], checkpoint: Path) -> str:
    steps: Sequence[Mapping[str, Any]] = node["pretokenizers"] if node.get("type") == "Sequence" else [node]
    patterns = [step["pattern"].get("Regex") for step in steps if step.get("type") == "Split"]
    byte_level = [step for step in steps if step.get("type") == "ByteLevel"]
    if len(byte_level) == 1 and len(steps) == len(patterns) + 1:
        if not patterns and byte_level[0].get("use_regex", True):
            return "gpt-2"
        if len(patterns) == 1 and patterns[0] in PRE_TOKENIZERS:
            return PRE_TOKENIZERS[patterns[0]]
    raise ExportError(f"{checkpoint} splits text in a way that has no name in llama.cpp: {json.dumps(node)[:300]}")


def _special_ids(checkpoint: Path, ids: Mapping[str, int]) -> dict[str, int]:
    path = checkpoint / "tokenizer_config.json"
    named = read_json(path) if path.exists() else {}
    found: dict[str, int] = {}
    for kind in ("bos", "eos", "pad"):
        token = named.get(f"{kind}_token")
        content = token.get("content") if isinstance(token, dict) else token
        if isinstance(content, str) and content in ids:
            found[kind] = ids[content]
    return found


def chat_template(checkpoint: Path) -> str | None:
    """The Jinja template by which a checkpoint's tokenizer renders chat messages; None where it has none."""
    apart = checkpoint / TEMPLATE
    if apart.exists():
        return apart.read_text(encoding="utf-8")
    path = checkpoint / "tokenizer_config.json"
    template = read_json(path).get("chat_template") if path.exists() else None
    return template if isinstance(template, str) else None
