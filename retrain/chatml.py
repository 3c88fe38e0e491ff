"""ChatML, the form in which the renderer writes prompts, as a chat template for what is exported."""

from pathlib import Path

from retrain.gguf_vocab import TEMPLATE, chat_template

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""Of the messages ``system`` and ``user`` it makes what models.prompt renders, character by character."""


def with_chat_template(checkpoint: Path) -> Path:
    """Give a checkpoint folder ChatML where it has no template of its own, so that chat endpoints read it as trained.

    Servers have defaults of their own for models without one, and not all are ChatML.
    """
    if chat_template(checkpoint) is None:
        (checkpoint / TEMPLATE).write_text(CHATML, encoding="utf-8")
    return checkpoint
