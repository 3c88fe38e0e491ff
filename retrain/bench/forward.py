"""The arm that uses transformers: whole prompts, one forward pass each, on the same CPU."""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from models.llama.shape import Shape


def blank(shape: Shape) -> Any:
    """A float32 model of the shape with all weights alike: speed does not depend on them, and drawing takes long."""
    config = shape.config()
    del config["model_type"]
    with torch.device("meta"):
        empty = AutoConfig.for_model(shape.family, **config)
        model = AutoModelForCausalLM.from_config(empty)  # type: ignore[no-untyped-call] # transformers has no types here
    model.to_empty(device="cpu")
    model.tie_weights()  # the output layer is the embedding again
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.fill_(0.01)
    return model.float().eval()


def answer(shape: Shape, lines: Iterable[str], *, threads: int) -> Iterator[str]:
    """For each line, a JSON list of prompts (token ids), the milliseconds that reading all of them took, as JSON.

    Before the first line comes one that says that the model is ready.
    """
    torch.set_num_threads(threads)
    model = blank(shape)
    yield json.dumps({"ready": True})
    for line in lines:
        prompts = [torch.tensor([ids]) for ids in json.loads(line)]
        began, used = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            for ids in prompts:
                model(ids, use_cache=False, logits_to_keep=1).logits[0, -1].log_softmax(-1)
        spent, used = time.perf_counter() - began, time.process_time() - used
        yield json.dumps({"ms": spent * 1000, "cpu_ms": used * 1000})
