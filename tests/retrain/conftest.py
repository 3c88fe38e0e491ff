"""A tiny checkpoint with random weights, and labelled bursts whose answers can be read off their text."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from models.chat import Burst, WindowMessage
from models.ids import BurstId, EventId, MemberId, OptionId, QuestionId, RoomId
from models.item import Item
from models.labels import Label
from models.question import Option, Question
from models.settings import Settings
from models.store import bursts, labels
from models.store.database import open_database
from retrain.gguf_vocab import PRE_TOKENIZERS

OPTIONS = tuple(Option(id=OptionId(o), wording=o) for o in ("yes", "no", "unsure"))
IS_QUESTION = Question(
    id=QuestionId("is_question"),
    text="Does the last message ask for something?",
    definition="is_question: does the last message ask for something?",
    options=OPTIONS,
    positive=OptionId("yes"),
    abstain=OptionId("unsure"),
    reply_risk=0.1,
    silence_risk=0.1,
)
NEEDS_CONTEXT = Question(
    id=QuestionId("needs_context"),
    text="Is the earlier chat needed?",
    definition="needs_context: does the last message need the earlier chat?",
    options=OPTIONS,
    positive=OptionId("yes"),
    abstain=OptionId("unsure"),
    after={QuestionId("is_question"): OptionId("yes")},
)
FAMILIES = {
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
}


def make_item(number: int, *, conversation: str | None = None, audit: bool = False, room: str = "room") -> Item:
    """Item ``number``: a question if even; its window is the burst before it; ten to a conversation."""
    asks = number % 2 == 0
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    answers = {IS_QUESTION.id: OptionId("yes" if asks else "no")}
    if asks:
        answers[NEEDS_CONTEXT.id] = OptionId("no" if number % 4 else "yes")
    burst = Burst(
        id=BurstId(f"b{number:05}"),
        room=RoomId(room),
        sender=MemberId("ann"),
        text=f"how do I do {number}?" if asks else f"done with {number}",
        window=(WindowMessage(sender="bob", text=f"context {number - 1}"),) if number % 10 else (),
        started_at=at,
        ended_at=at,
        message_ids=(EventId(f"{room}:{number}"),),
    )
    return Item(burst=burst, answers=answers, conversation=conversation or f"{room}#{number // 10:04}", audit=audit)


def make_checkpoint(
    folder: Path, family: str = "qwen2", *, width: int = 64, vocabulary: int = 448, seed: int = 0
) -> Path:
    """Save a two-layer model with random weights and a byte-level BPE tokenizer; some embedding rows have no token."""
    torch.manual_seed(seed)
    config_class, model_class = FAMILIES[family]
    config = config_class(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=width // 4,
        max_position_embeddings=1024,
        rope_parameters={"rope_type": "default", "rope_theta": 50000.0},
        tie_word_embeddings=family != "llama",
        bos_token_id=None,
    )
    model = model_class(config)
    for parameter in model.parameters():  # the default initialisation is too small to tell two exports apart
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    model.to(torch.bfloat16).save_pretrained(folder)
    qwen = {name: pattern for pattern, name in PRE_TOKENIZERS.items()}["qwen2"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(qwen), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([IS_QUESTION.definition, "how do I do this? done with that 你好吗 什么"] * 4, trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen2 checkpoint."""
    return make_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


def make_settings(folder: Path, rungs: tuple[Path, ...], champion: Path) -> Settings:
    """Settings over checkpoints of our own: short prompts, one epoch, everything that was labelled is a fair sample."""
    questions = [
        {
            "id": q.id,
            "text": q.text,
            "definition": q.definition,
            "positive": q.positive,
            "abstain": q.abstain,
            "after": dict(q.after),
            "options": [{"id": o.id, "wording": o.wording} for o in q.options],
            "reply_risk": q.reply_risk,
            "silence_risk": q.silence_risk,
        }
        for q in (IS_QUESTION, NEEDS_CONTEXT)
    ]
    return Settings.model_validate(
        {
            "data_dir": folder / "var",
            "decide": {"model": str(champion), "threads": 1, "max_prompt_tokens": 420},
            "ask": {"audit_share": 0.0, "audit_block_minutes": 10},
            "ladder": {"rungs": [str(rung) for rung in rungs]},
            "train": {"epochs": 1, "rank": 4, "learning_rate": 2e-3, "warmup_steps": 1},
            "room": [{"id": "*", "mode": "train"}],
            "question": questions,
        }
    )


def fill_store(settings: Settings, items: Sequence[Item]) -> None:
    """Put labelled bursts into the store, as if people had answered."""
    by_id = {q.id: q for q in settings.questions}
    at = datetime(2026, 2, 1, tzinfo=UTC)
    with closing(open_database(settings.data_dir)) as db:
        bursts.close(db, [item.burst for item in items])
        labels.put(
            db,
            [
                Label(
                    burst=item.burst.id,
                    question=question,
                    question_version=by_id[question].version,
                    option=option,
                    responses=2,
                    labelled_at=at,
                )
                for item in items
                for question, option in item.answers.items()
            ],
        )
