from itertools import islice
from pathlib import Path
from random import Random

from retrain.checkpoint import load_base
from retrain.starter.letters import _lessons, learn_letters
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT


def test_the_lesson_names_the_right_letter(checkpoint: Path) -> None:
    tiny = load_base(checkpoint)
    for prompts, targets in islice(_lessons(tiny, [IS_QUESTION, NEEDS_CONTEXT], Random(0)), 3):
        branches = [branch for prompt in prompts for branch in prompt.branches]
        said = [prompt.chat for prompt in prompts for _ in prompt.branches]
        assert len(branches) == len(targets)
        for branch, target, chat in zip(branches, targets, said, strict=True):
            wording = IS_QUESTION.options[branch.order[target]].wording
            assert tiny.tokenizer.ids(f">>> S: {wording}\n", special=False) == list(chat)


def test_the_lesson_is_learned_a_little(checkpoint: Path, monkeypatch) -> None:
    monkeypatch.setattr("retrain.starter.letters.MAX_STEPS", 40)
    seen: list[int] = []
    losses = learn_letters(
        load_base(checkpoint), [IS_QUESTION], rate=1e-2, seed=0, progress=lambda step, *_: seen.append(step)
    )
    assert len(losses) == 40 == seen[-1]
    assert sum(losses[-10:]) < sum(losses[:10])
