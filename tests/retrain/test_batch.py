import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ModelError
from models.prompt import render
from models.tokens import EncodedBranch, EncodedPrompt, encode
from retrain.batch import collate, grouped, row_length
from retrain.checkpoint import load_base
from retrain.score import letter_logits, score
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


def encoded_prompts(loaded, count):
    return [encode(render(make_item(i).burst, QUESTIONS, QUESTIONS), loaded.tokenizer, 700) for i in range(count)]


def test_one_forward_over_all_branches_equals_separate_forwards(checkpoint):
    loaded = load_base(checkpoint)
    prompts = encoded_prompts(loaded, 5)
    together = score(loaded, prompts, batch=3)
    for prompt, rows in zip(prompts, together, strict=True):
        assert len(rows) == sum(len(q.options) for q in QUESTIONS)
        for branch, row in zip(prompt.branches, rows, strict=True):
            path = torch.tensor([[*prompt.preamble, *prompt.chat, *branch.ids]])
            with torch.inference_mode():
                alone = loaded.causal(input_ids=path).logits[0, -1, list(branch.letters)]
            assert torch.allclose(torch.tensor(row), alone, atol=1e-4), (row, alone)


def test_the_shared_preamble_gets_its_gradient(checkpoint):
    loaded = load_base(checkpoint)
    prompts = encoded_prompts(loaded, 3)
    letter_logits(loaded.causal, collate(prompts))[:, 0].sum().backward()
    shared = loaded.causal.get_input_embeddings().weight.grad.clone()
    loaded.causal.zero_grad()
    for prompt in prompts:
        for branch in prompt.branches:
            path = torch.tensor([[*prompt.preamble, *prompt.chat, *branch.ids]])
            loaded.causal(input_ids=path).logits[0, -1, branch.letters[0]].backward()
    separate = loaded.causal.get_input_embeddings().weight.grad
    assert torch.allclose(shared, separate, atol=1e-2 * separate.abs().max().item())


def test_a_branch_sees_trunk_and_itself_only():
    batch = collate([_prompt(chat=3, branches=(2, 2)), _prompt(chat=1, branches=(1,))])
    seen = batch.mask[0, 0]
    assert seen.shape == (7, 2 + 7)
    assert seen[:, :2].all()  # the preamble
    assert seen[6, 2:].tolist() == [True, True, True, False, False, True, True]
    assert batch.positions[0].tolist() == [2, 3, 4, 5, 6, 5, 6]
    assert batch.rows.tolist() == [0, 0, 1]
    assert batch.columns.tolist() == [4, 6, 1]
    assert not batch.mask[1, 0, :, 2 + 2 :].any()  # nobody sees padding


def test_prompts_of_other_questions_are_refused():
    other = EncodedPrompt(preamble=(9, 9, 9), chat=(1,), branches=_prompt(chat=1, branches=(1,)).branches)
    with pytest.raises(ModelError, match="share their preamble"):
        collate([_prompt(chat=1, branches=(1,)), other])


@given(lengths=st.lists(st.integers(1, 400), max_size=200), size=st.integers(1, 16), seed=st.integers(0, 9))
def test_grouping_keeps_every_position_once(lengths, size, seed):
    batches = grouped(lengths, size, seed)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= size for batch in batches)
    assert batches == grouped(lengths, size, seed)


def test_row_length_leaves_out_the_preamble():
    assert row_length(_prompt(chat=3, branches=(2, 4))) == 9


def _prompt(*, chat, branches):
    return EncodedPrompt(
        preamble=(7, 8),
        chat=tuple(range(chat)),
        branches=tuple(
            EncodedBranch(question="q", order=(0, 1), ids=tuple(range(n)), letters=(3, 4)) for n in branches
        ),
    )
