"""How good a rung is on labelled dev files: F1 and macro-F1 by the scoring policy that the bot serves."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from models.item import Item
from models.labelled import read_items
from models.metrics import Scored, clusters, f1, log_loss, macro_f1
from models.prompt import render
from models.question import Question
from models.scoring import average_orders, distribution, positive_probability
from models.tokens import EncodedPrompt, encode
from retrain.checkpoint import Checkpoint
from retrain.score import PromptLogits, autocast, score
from retrain.starter.aside import set_aside
from retrain.starter.corpus import CHINESE, gold_items

BUDGET = 200
"""config.toml's decide.max_prompt_tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One question on one file; unsure rows are left out, the threshold is p(yes) > p(no)."""

    question: str
    n: int
    positives: int
    f1: float
    macro_f1: float
    log_loss: float

    def as_dict(self) -> dict[str, float | int | str]:
        """As JSON, rounded."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def judge(checkpoint: Checkpoint, items: Sequence[Item], questions: Sequence[Question]) -> list[Figures]:
    """Score items and compare with their answers, question by question."""
    prompts = [encode(render(item.burst, questions, questions), checkpoint.tokenizer, BUDGET) for item in items]
    with autocast(checkpoint.device):
        logits = score(checkpoint, prompts)
    found = []
    for question in questions:
        places = [n for n, i in enumerate(items) if i.answers.get(question.id) not in (None, question.abstain)]
        if not places:
            continue
        rows = [items[n] for n in places]
        positive = [_positive(prompts[n], logits[n], question) for n in places]
        scored = Scored(
            gold=np.array([i.answers[question.id] == question.positive for i in rows], dtype=np.float64),
            positive=np.array(positive),
            weight=np.ones(len(rows)),
            sure=np.zeros(len(rows)),
            cluster=clusters([i.conversation for i in rows]),
        )
        found.append(
            Figures(
                question=question.id,
                n=len(rows),
                positives=int(scored.gold.sum()),
                f1=f1(scored),
                macro_f1=macro_f1(scored),
                log_loss=log_loss(scored),
            )
        )
    return found


def _positive(prompt: EncodedPrompt, logits: PromptLogits, question: Question) -> float:
    asked = [n for n, branch in enumerate(prompt.branches) if branch.question == question.id]
    scores = average_orders([logits[n] for n in asked], [prompt.branches[n].order for n in asked])
    return positive_probability(question, distribution(question, scores))


SET_ASIDE = "gold rooms set aside"
"""How the figures name the rooms of the gold train files that nothing was trained on."""
DEV_FILES = ("group_chat_gold_dev.jsonl", "dialogue_zh_gold_dev.jsonl")


def dev_sets(folder: Path, questions: Sequence[Question]) -> dict[str, list[Item]]:
    """What rungs are judged on, by name: the gold dev files that are there, and the gold rooms set aside."""
    found = {name: read_items(folder / name, questions) for name in DEV_FILES if (folder / name).exists()}
    away = [item for item in gold_items(folder, questions) if set_aside(item.conversation)]
    english = [item for item in away if not item.conversation.startswith(CHINESE)]
    return found | ({SET_ASIDE: english} if english else {})
