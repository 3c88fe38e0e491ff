"""Gold rooms set aside."""

import json

from models.labelled import read_items
from retrain.starter.aside import set_aside, write_split
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT


def test_rooms_are_set_aside_whole_and_about_one_in_five(tmp_path):
    rows = [{"id": n, "room": f"r/{n // 4}", "text": f"a\u2028 {n}", "is_question": "yes"} for n in range(800)]
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    kept, away = write_split(gold, tmp_path / "split")
    parts = [read_items(path, (IS_QUESTION, NEEDS_CONTEXT)) for path in (kept, away)]
    assert sum(map(len, parts)) == 800
    assert not {i.conversation for i in parts[0]} & {i.conversation for i in parts[1]}
    assert {set_aside(i.conversation) for i in parts[1]} == {True}
    assert 20 < len({i.conversation for i in parts[1]}) < 60
    assert kept.read_text(encoding="utf-8").splitlines()[0] in gold.read_text(encoding="utf-8")
