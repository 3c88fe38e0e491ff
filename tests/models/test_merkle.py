from hypothesis import given
from hypothesis import strategies as st

from models.merkle import leaf, merkle_root, proof, proves

LEAVES = st.lists(st.text("abc", max_size=3), min_size=1, max_size=40).map(lambda lines: [leaf(line) for line in lines])


@given(LEAVES, st.data())
def test_each_leaf_is_proved_by_few_hashes_and_no_other_is(leaves, draw) -> None:
    place = draw.draw(st.integers(0, len(leaves) - 1))
    root, path = merkle_root(leaves), proof(leaves, place)
    assert len(path) == (len(leaves) - 1).bit_length()
    assert proves(leaves[place], place, path, root)
    assert not proves(leaf("another"), place, path, root)
    assert not proves(leaves[place], place, path, leaf("another root"))
