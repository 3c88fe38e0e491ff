"""What llama.cpp says of a prompt's letters, by a GGUF and by an adapter over it, and a tiny adapter to lay there."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.llama.engine import Engine
from models.tokens import EncodedPrompt
from retrain.gguf_about import About

BUDGET = 420
ABOUT = About(name="tiny", description="a test", licence="Apache-2.0", base="b", dataset="d" * 64, questions={"q": "v"})


class Plain:
    """The checkpoint's own tokenizer behind our protocol."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)

    def ids(self, text: str, *, special: bool) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=not special)


def llama_letters(path: Path, prompt: EncodedPrompt, *, flash: bool = False) -> list[list[float]]:
    engine = Engine(path, threads=1, tokens=1024, branches=6, flash=flash)
    try:
        return engine.score(prompt)
    finally:
        engine.close()


def letters_with(gguf: Path, adapter: Path, prompt: Any) -> list[list[float]]:
    """What llama.cpp says with an adapter laid over a base."""
    engine = Engine(gguf, threads=1, tokens=1024, branches=6, flash=False)
    try:
        engine.lay(adapter)
        return engine.score(prompt)
    finally:
        engine.close()


def make_adapter(base: Path, folder: Path, **options: Any) -> Path:
    """An adapter with random weights on all linear layers."""
    torch.manual_seed(1)
    settings = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | options
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), LoraConfig(**settings))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder, save_embedding_layers=False)
    return folder
