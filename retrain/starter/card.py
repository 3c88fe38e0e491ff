"""The folder that ships: weights, tokenizer, the manifest of rooms, hashes, and an honest model card."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.question import Question, versions
from retrain.candidate import export_family
from retrain.starter.corpus import file_hashes, public_sets, taught_items
from retrain.starter.family import FAMILY
from retrain.starter.rung import RESULT, TAUGHT, write_json
from retrain.starter.unlabelled import read_taught

MANIFEST = "rooms.json"
HASHES = "hashes.json"


def write_card(
    data: Path,
    out: Path,
    work: Path,
    questions: Sequence[Question],
    *,
    seed: int,
    budget_cpu_s: float,
    device: str,
) -> None:
    """Gather what the rungs made into ``out``; the folder is filled aside and then replaces what was there."""
    aside = out.with_name(f"{out.name}.aside")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(work / "tokenizer" / name, aside / name)
    results = {}
    for shape in FAMILY:
        folder = work / shape.name
        _copy(folder / "base", aside / "base" / shape.name, ("config.json", "model.safetensors"))
        _copy(folder / "adapter", aside / "adapters" / shape.name, ("adapter_config.json", "adapter_model.safetensors"))
        results[shape.name] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    write_json(aside / MANIFEST, manifest(data, work, questions))
    spent = computing_time(work)
    told = {
        "seed": seed,
        "budget_cpu_s": budget_cpu_s,
        "spent_cpu_s": spent,
        "device": device,
        "data": file_hashes(data),
        "questions": versions(questions),
        "rungs": results,
    }
    write_json(aside / "recipe.json", told)
    (aside / "README.md").write_text(_card(results, seed, sum(spent.values())), encoding="utf-8")
    export_family(aside)
    write_json(aside / HASHES, hashes(aside))
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside.replace(out)


def manifest(data: Path, work: Path, questions: Sequence[Question]) -> dict[str, dict[str, list[str]]]:
    """Name every room and conversation that was trained on, by step and stage."""
    chat = json.loads((work / "rooms.json").read_text(encoding="utf-8"))
    return {
        "starter-base": {
            "chat": chat,
            "public": sorted({item.conversation for found in public_sets(data, questions) for item in found}),
        },
        "starter": {
            "gold": sorted({item.conversation for item in taught_items(data, questions)}),
            "taught": sorted({str(burst.room) for burst in read_taught(work / TAUGHT)[0]}),
        },
    }


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a folder, by relative path."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != HASHES)
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def computing_time(work: Path) -> dict[str, float]:
    """Seconds of one core by rung and stage, all attempts that finished a stage counted."""
    found: dict[str, float] = {}
    for path in sorted(work.rglob("times.jsonl")):
        rung = "" if path.parent == work else f"{path.parent.name}/"
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[f"{rung}{row['stage']}"] = found.get(f"{rung}{row['stage']}", 0.0) + float(row["cpu_s"])
    return found


def _copy(source: Path, target: Path, names: Sequence[str]) -> None:
    target.mkdir(parents=True)
    for name in names:
        shutil.copyfile(source / name, target / name)


def figures_table(results: dict[str, Any]) -> str:
    """The dev figures as a Markdown table: F1 / macro-F1 of base and starter."""
    lines = [
        "| rung | parameters | file, question (n) | starter-base | starter |",
        "|---|---|---|---|---|",
    ]
    for rung, result in results.items():
        for file, rows in result["dev"]["base"].items():
            for base, tuned in zip(rows, result["dev"]["starter"][file], strict=True):
                named = f"{file.removesuffix('_dev.jsonl')}, {base['question']} ({base['n']})"
                scores = (f"{r['f1']:.3f} / {r['macro_f1']:.3f}" for r in (base, tuned))
                lines.append(f"| {rung} | {result['parameters'] / 1e6:.2f}M | {named} | {' | '.join(scores)} |")
    return "\n".join(lines)


def _card(results: dict[str, Any], seed: int, spent: float) -> str:
    return CARD.format(table=figures_table(results), seed=seed, minutes=spent / 120)


CARD = """# The starter family

Four small causal language models (Qwen2 architecture, byte-level BPE with 4,096 tokens shared by all, English and a
little Chinese), trained from scratch by `python -m retrain starter` for hosts that reach no model hub. They answer
single-choice questions about the last message of a group chat; they are a place to start from, not a match for the
0.5B to 7B models that `config.toml` can name instead.

- **starter-base** (`base/`): language modelling on chat, then single-choice training of all weights on public sets. It
  has seen no gold label.
- **starter** (`adapters/` on `base/`): starter-base plus one LoRA adapter a rung. A teacher, the pretrained sentence
  encoder all-MiniLM-L6-v2 (22.7M parameters, Apache-2.0, by others), was tuned on the gold train files and labelled
  68,000 bursts of raw chat softly; the rungs learned from its views and from the public sets, all but the largest then
  from gold; closing lessons hold views (averaged with a wide rule's on is_question), public sets and gold together, and
  a last one has all of it once more. The teacher does not ship. One gold room in five was set aside:
  neither teacher nor rungs have seen it.

Weights are bf16 safetensors; `gguf/` holds what the bot serves, Q8_0. Seed {seed}; {minutes:.0f} minutes of two cores
for everything. `recipe.json` has settings, times and the hashes of the files read, `rooms.json` every room and
conversation trained on, `hashes.json` the files here.

## Figures on dev
F1 / macro-F1; rows whose gold label is "unsure" are left out, yes is said where p(yes) > p(no), rows unweighted.
Gold labels were made by language-model annotators following written guidelines, not by people. No room here was trained
on. Settings of the recipe before were chosen with a look at dev; the last choices (gold or not after the views, rank,
how to cut, which lessons) with a look at the rooms set aside, which also gave temperature and thresholds. The Chinese
dev file is too small to rank rungs.

{table}

## What it was trained on
| what | used for | licence |
|---|---|---|
| raw chat of 147 rooms, irc-disentanglement train part (Kummerfeld et al. 2019) | chat | CC-BY-4.0 |
| CPED dialogue (Chen et al. 2022) | chat, public | Apache-2.0 |
| Molweni (Li et al. 2020) | public | Apache-2.0 |
| GECOR; TREC CAsT 2019/20; FollowUp | public | CC-BY-4.0; MIT; Apache-2.0 |
| group chat and dialogue gold train (labels made for this project) | gold, starter only | CC-BY-4.0; Apache-2.0 |
| all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020), as teacher | starter only | Apache-2.0 |

The rooms of the demo and of the dev set were not used anywhere; CANARD was not used.

## What it can and cannot do
- is_question: knows technical English IRC best. Other rooms and topics, and above all Chinese, are answered worse until
  people have labelled some of their own bursts.
- needs_context: better than word statistics on the same labels, no match for a large model. An uncertain burst is asked
  about.
- The adapters hold what this changed in the linear layers, cut to rank 64 (88 for l); `kept` in `recipe.json` is the
  share of the change in the layers' outputs that this keeps (.98 and more).
- needs_context rises with size, is_question does not: m answers it best, and xs as well as s. A rule (question mark or
  question word) is as good there where people use question marks.
- It has no world knowledge, does not converse, and must not be used to generate text.
- starter-l ships with a temperature for each question, and thresholds where they could be shown, fitted on the gold
  rooms set aside at natural rates (`quandary calibrate starter FILE`). The bases have none: they ask about everything.
- The chat it has read is pseudonymised, not anonymous, and holds what people write on IRC.
"""
