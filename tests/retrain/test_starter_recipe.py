"""The recipe on a handful of made-up chat: the same stages, tiny."""

import gzip
import json
import random

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from models.chat import WindowMessage
from models.errors import InputError
from retrain.checkpoint import load_base
from retrain.starter import letters, pretrain, rung
from retrain.starter.card import write_card
from retrain.starter.choice import balanced, rare_twice, sample
from retrain.starter.corpus import (
    BARRED,
    Message,
    conversation_key,
    document,
    documents,
    gold_items,
    raw_chat,
    read_chat,
    unspace,
)
from retrain.starter.family import FAMILY, Shape
from retrain.starter.recipe import prepare
from retrain.starter.unlabelled import bursts, draw, write_taught
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)
TINY = Shape(
    name="xs",
    width=64,
    layers=1,
    inner=64,
    rate=1e-2,
    tokens=40_000,
    public=24,
    gold=24,
    soft=24,
    mixed=12,
    even=8,
)


def write_rows(path, rows):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(0)
    words = "how do you mount the disk please thanks it works now with sudo 你好 怎么 办".split()  # noqa: SIM905 - readable

    def text():
        return " ".join(rng.choices(words, k=rng.randint(2, 9)))

    chat = [{"room": f"r/{n // 40}", "sender": f"u{rng.randrange(4)}", "text": text()} for n in range(600)]
    barred = [{"room": room, "sender": "u1", "text": "never to be read"} for room in BARRED]
    held_out = [{"room": "CPED/9/9_001", "sender": "u1", "text": "held out"}]
    write_rows(folder / "chat_raw_en.jsonl.gz", chat + barred)
    write_rows(folder / "chat_replay_zh_cped_notime.jsonl", chat[:40] + held_out)
    row = {"window": [], "sender": "a"}
    asks = [{**row, "text": text(), "label": n % 3 == 0, "conv": f"molweni/{n}"} for n in range(30)]
    write_rows(folder / "is_question_en_train.jsonl", asks)
    write_rows(folder / "is_question_zh_train.jsonl", [{**a, "conv": f"train/1/{n}"} for n, a in enumerate(asks)])
    write_rows(folder / "is_question_zh_dev.jsonl", [{**row, "text": "x", "label": True, "conv": "test/9/9_001"}])
    needs = [{**row, "text": text(), "cr_need": n % 2 == 0, "conv": f"gecor/{n}"} for n in range(30)]
    write_rows(folder / "cr_need_en_train.jsonl", needs)
    gold = [
        {**row, "text": text(), "room": f"g/{n // 5}", "is_question": "yes", "needs_context": "no" if n % 2 else "yes"}
        for n in range(30)
    ]
    for name in ("group_chat_gold_train.jsonl", "group_chat_gold_dev.jsonl", "dialogue_zh_gold_train.jsonl"):
        write_rows(folder / name, gold)
    return folder


@pytest.fixture(scope="module")
def order(data, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    prepare(data, work, QUESTIONS, 0)
    drawn = draw(list(bursts(raw_chat(data, QUESTIONS))), TINY.soft, 0)
    write_taught(work / rung.TAUGHT, drawn, np.full((len(drawn), 2), 0.4))
    return rung.Order(shape=TINY, data=data, work=work, seed=0, scale=1.0, device="cpu", questions=QUESTIONS)


def test_barred_and_held_out_rooms_are_not_read(data):
    found = raw_chat(data, QUESTIONS)
    assert {m.room for m in found} == {f"r/{n}" for n in range(15)}


def test_conversations_have_one_name_in_all_files():
    assert conversation_key("valid/32/32_004") == conversation_key("CPED/32/32_004")
    assert conversation_key("molweni/3") == "molweni/3"


def test_gold_with_a_barred_room_is_refused(data, tmp_path):
    for path in data.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    row = {"window": [], "sender": "a", "text": "x", "room": min(BARRED), "is_question": "yes"}
    write_rows(tmp_path / "group_chat_gold_train.jsonl", [row])
    with pytest.raises(InputError, match="no shipped weight may see"):
        gold_items(tmp_path, QUESTIONS)


def test_broken_raw_chat_is_an_input_error(tmp_path):
    path = tmp_path / "chat.jsonl.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"chat\.jsonl\.gz"):
        read_chat(path)


def test_a_document_looks_like_a_prompt():
    bursts = [WindowMessage(sender="ann", text="hi"), WindowMessage(sender="bob", text="ann: what\nnow?")]
    assert document(bursts) == "P1: hi\n>>> S: P1: what / now?\n"


def test_documents_hold_every_message_once_and_no_two_rooms():
    chat = [Message(room=f"r{n // 30}", sender=f"u{n % 3}", text=f"w{n}") for n in range(90)]
    made = list(documents(chat, random.Random(0)))
    words = [w for text in made for w in text.split() if w.startswith("w")]
    assert words == [f"w{n}" for n in range(90)]
    for text in made:
        assert text.count(">>> S: ") == 1
        assert len({int(w[1:]) // 30 for w in text.split() if w.startswith("w")}) == 1


def test_molweni_is_spelled_as_chat():
    assert unspace("you 're here ? i ca n't , `` stop '' .") == "you're here? i can't, \"stop\"."


def test_balance_thins_the_majority_only():
    items = [make_item(n) for n in range(0, 200, 2)] + [make_item(n) for n in range(1, 20, 2)]
    kept = balanced(items, IS_QUESTION, 0)
    assert sum(i.answers[IS_QUESTION.id] == "no" for i in kept) == 10
    assert sum(i.answers[IS_QUESTION.id] == "yes" for i in kept) == 15
    assert sample(items, 5, 3) == sample(items, 5, 3)


def test_a_rare_positive_answer_counts_twice():
    items = [make_item(n) for n in range(40)]  # as many questions as statements: neither is rare
    assert rare_twice(items, QUESTIONS) == items
    few = [item for n, item in enumerate(items) if n % 4 or n == 0]  # one burst in ten needs context
    assert len(rare_twice(few, QUESTIONS)) == len(few) + 1
    assert rare_twice(few, QUESTIONS)[:2] == [few[0], few[0]]


def test_shapes_rise_and_suit_q8():
    counts = []
    for shape in FAMILY:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(shape.config())
        counts.append(sum(p.numel() for p in model.parameters()))
        assert shape.width % 32 == shape.inner % 32 == 0
    assert counts == sorted(counts)
    assert counts[-1] <= 3_000_000


def test_language_modelling_goes_on_after_a_kill(order, tmp_path):
    ids = np.load(order.work / rung.IDS)

    def run(folder, kill_at=None):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(TINY.config())

        def progress(step, steps, loss):
            if step == kill_at:
                raise KeyboardInterrupt

        kwargs = {"tokens": 8 * 2048, "learning_rate": 1e-2, "seed": 0, "work": folder, "save_every": 3}
        return model, lambda: pretrain.pretrain(model, ids, progress=progress, **kwargs)

    whole, go = run(tmp_path / "whole")
    expected = go()
    _, go = run(tmp_path / "cut", kill_at=5)
    with pytest.raises(KeyboardInterrupt):
        go()
    resumed, go = run(tmp_path / "cut")
    assert go() == expected
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_lessons_ask_for_the_letter_of_the_option_said(checkpoint):
    loaded = load_base(checkpoint)
    prompts, targets = next(letters._lessons(loaded, QUESTIONS, random.Random(0)))
    decode = loaded.tokenizer.inner.decode
    by_id = {q.id: q for q in QUESTIONS}
    wanted = iter(targets)
    for prompt in prompts:
        for branch in prompt.branches:
            option = by_id[branch.question].options[branch.order[next(wanted)]]
            assert decode(prompt.chat) == f">>> S: {option.wording}\n"


def test_a_rung_runs_through_all_stages_and_is_carded(order, data, tmp_path, monkeypatch):
    monkeypatch.setattr(letters, "MAX_STEPS", 4)
    rung.train_rung(order)
    made = {p.name for p in order.folder.iterdir()}
    assert {"chat", "base", "adapter", rung.RESULT, "times.jsonl"} <= made
    assert not any(name.startswith("state-") for name in made)
    before = (order.folder / "times.jsonl").read_text()
    rung.train_rung(order)  # everything is there: nothing is done again
    assert (order.folder / "times.jsonl").read_text() == before
    monkeypatch.setattr("retrain.starter.card.FAMILY", (TINY,))
    monkeypatch.setattr("retrain.starter.card.export_family", lambda folder: [])  # it names rungs that are not here
    write_card(data, tmp_path / "out", order.work, QUESTIONS, seed=0, budget_cpu_s=1.0, device="cpu")
    manifest = json.loads((tmp_path / "out" / "rooms.json").read_text())
    assert not BARRED & set(manifest["starter-base"]["chat"])
    assert "| xs |" in (tmp_path / "out" / "README.md").read_text()
    weights = tmp_path / "out" / "base" / "xs"
    (weights / "tokenizer.json").write_bytes((tmp_path / "out" / "tokenizer.json").read_bytes())
    (weights / "tokenizer_config.json").write_bytes((tmp_path / "out" / "tokenizer_config.json").read_bytes())
    assert load_base(weights).causal.config.vocab_size == 4096
