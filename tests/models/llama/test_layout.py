"""Laws of the layout: what each sequence reads is its prompt, and nothing is read twice that could be shared."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.llama.layout import forest, line, tree
from models.tokens import EncodedBranch, EncodedPrompt

ids = st.lists(st.integers(0, 3), min_size=1, max_size=8).map(tuple)
branch = ids.map(lambda i: EncodedBranch(question="q", order=(0, 1), ids=i, letters=(1, 2)))
branches = st.lists(branch, min_size=1, max_size=6).map(tuple)
prompt = st.builds(
    lambda chat, found: EncodedPrompt(preamble=(9, 9), chat=chat, branches=found),
    chat=st.lists(st.integers(0, 3), max_size=9).map(tuple),
    found=branches,
)


def path(layout, sequence):
    """Position and token of all that a sequence reads."""
    return [
        (p, t)
        for t, p, first, count in zip(layout.tokens, layout.positions, layout.first, layout.count, strict=True)
        if first <= sequence < first + count
    ]


@given(st.lists(prompt, min_size=1, max_size=4))
def test_every_sequence_reads_its_own_prompt_in_order(prompts):
    layout = forest(prompts, [tree(p.branches) for p in prompts])
    sequence = 0
    for found, ends in zip(prompts, layout.ends, strict=True):
        for each, end in zip(found.branches, ends, strict=True):
            expected = list(enumerate([*found.chat, *each.ids], start=len(found.preamble)))
            assert path(layout, sequence) == expected
            assert (layout.positions[end], layout.tokens[end]) == expected[-1]
            assert layout.first[end] <= sequence < layout.first[end] + layout.count[end]
            sequence += 1
    assert layout.size == len(layout.positions) == len(layout.first) == len(layout.count)


@given(branches)
def test_a_beginning_shared_with_the_branch_before_stands_once(found):
    shared = sum(
        next((i for i, (a, b) in enumerate(zip(x.ids, y.ids, strict=False)) if a != b), min(len(x.ids), len(y.ids)))
        for x, y in pairwise(found)
    )
    assert tree(found).size == sum(len(b.ids) for b in found) - shared


def test_a_line_belongs_to_every_sequence():
    layout = line((5, 6), 3, start=4)
    assert [path(layout, s) for s in range(4)] == [[(4, 5), (5, 6)]] * 3 + [[]]
    assert layout.ends == ()
