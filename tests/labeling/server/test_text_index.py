from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.server.text_index import Entry, TextIndex


def entry(record: str, burst: str, window: str = "", dataset: str = "d") -> Entry:
    return Entry(record=record, dataset=dataset, fields={"burst": burst, "window": window})


@pytest.fixture
def index(tmp_path: Path) -> TextIndex:
    opened = TextIndex(tmp_path / "text.db")
    opened.put(
        [entry("a", "mount a disk"), entry("b", "mount an ISO", "disk trouble"), entry("c", "你好世界", dataset="e")]
    )
    return opened


def found(index: TextIndex, query: str, dataset: str = "d", field: str | None = None) -> set[str]:
    return {record for record, _ in index.search(dataset, query, field)}


def test_all_words_have_to_occur_in_any_field(index: TextIndex) -> None:
    assert found(index, "mount disk") == {"a", "b"}
    assert found(index, "MOUNT disk", field="burst") == {"a"}
    assert found(index, '"a disk"') == {"a"}
    assert found(index, "mou*") == {"a", "b"}
    assert found(index, "mount -iso") == {"a"}
    assert found(index, "absent") == set()


def test_datasets_are_apart_and_ideographs_are_words(index: TextIndex) -> None:
    assert found(index, "世界", dataset="e") == {"c"}
    assert found(index, "好世", dataset="e") == {"c"}
    assert found(index, "界世", dataset="e") == set()
    assert found(index, "世界") == set()


def test_the_best_match_comes_first(index: TextIndex) -> None:
    index.put([entry("d", "disk disk disk")])
    hits = index.search("d", "disk")
    assert hits[0][0] == "d"
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)


def test_replaced_and_removed_text_is_not_found_again(index: TextIndex, tmp_path: Path) -> None:
    index.put([entry("a", "format a zanzibar")])
    assert found(index, "mount") == {"b"}
    index.remove(["a"])
    assert found(index, "zanzibar") == set()
    assert len(index.records("d")) == 1
    index.remove_dataset("d")
    assert (len(index.records("d")), len(index.records("e"))) == (0, 1)
    index.close()
    assert b"zanzibar" not in (tmp_path / "text.db").read_bytes()


def test_a_damaged_file_is_started_anew(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_bytes(b"this is no database" * 100)
    index = TextIndex(path)
    assert len(index.records("d")) == 0
    index.put([entry("a", "word")])
    index.close()
    assert found(TextIndex(path), "word") == {"a"}


@given(st.text(max_size=40))
def test_no_query_is_an_error(query: str) -> None:
    index = TextIndex(Path(":memory:"))
    index.put([entry("a", query)])
    index.search("d", query)
    index.close()
