"""The teacher, on an encoder made for the test."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from models.errors import InputError
from retrain.checkpoint import load_base
from retrain.starter import choice, teacher
from retrain.starter.choice import LIKELY, soft_examples, spread
from retrain.starter.teacher import LENGTH, Teacher, teacher_folder, tune_teacher, views
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("encoder")
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789?!.,:'/-")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)]
    (made / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(vocab_file=str(made / "vocab.txt")).save_pretrained(made)
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
    )
    BertModel(shape).save_pretrained(made)
    return made


def test_chat_cannot_speak_as_the_tokenizer(folder):
    made = Teacher(QUESTIONS, folder)
    item = make_item(0)
    plain, burst = made.encode(item.burst)
    assert plain[0] == made.tokenizer.cls_token_id
    assert plain[burst - 1] == plain[-1] == made.tokenizer.sep_token_id
    said = replace(item.burst, text="[SEP] [CLS] hi")
    ids, _ = made.encode(said)
    assert ids.count(made.tokenizer.sep_token_id) == 2
    assert ids.count(made.tokenizer.cls_token_id) == 1


def test_long_bursts_and_windows_are_cut(folder):
    made = Teacher(QUESTIONS, folder)
    item = make_item(1)
    long = replace(item.burst, text="word " * 400)
    ids, _ = made.encode(long)
    assert len(ids) <= LENGTH


def test_it_learns_what_labels_say_and_its_views_follow(folder, monkeypatch):
    monkeypatch.setattr(teacher, "EPOCHS", 6)
    monkeypatch.setattr(teacher, "RATE", 5e-3)
    torch.manual_seed(0)
    made = Teacher(QUESTIONS, folder)
    items = [make_item(n) for n in range(160)]
    steps = []
    tune_teacher(made, items, 0, lambda step, total, _loss: steps.append((step, total)))
    assert steps[-1] == (30, 30)
    found = views(made, [i.burst for i in items], lambda *_: None)
    assert found.shape == (160, 2)
    asks = np.array([i.answers[IS_QUESTION.id] == "yes" for i in items])
    assert found[asks, 0].mean() > found[~asks, 0].mean() + 0.2


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(teacher, "PACKAGE", "no_such_package_here")
    with pytest.raises(InputError, match=r"extra \[starter\]"):
        teacher_folder()


def test_views_become_targets_where_the_question_applies(checkpoint, monkeypatch):
    monkeypatch.setattr(choice, "SOFT_BUDGETS", (400,))  # the test's vocabulary takes more tokens
    loaded = load_base(checkpoint)
    found = [make_item(n).burst for n in range(2)]
    made = soft_examples(found, np.array([[0.9, 0.2], [LIKELY / 2, 0.8]]), QUESTIONS, loaded, 0)
    assert made[0].targets == {IS_QUESTION.id: (0.9, pytest.approx(0.1), 0.0), NEEDS_CONTEXT.id: (0.2, 0.8, 0.0)}
    assert list(made[1].targets) == [IS_QUESTION.id]
    assert sum(spread(IS_QUESTION, 0.3)) == pytest.approx(1.0)
