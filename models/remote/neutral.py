"""Chat text made harmless for a server that reads special tokens in prompts. Pure.

A server tokenizes a prompt that is sent as text with its special tokens on, because the template needs them; it cannot
know which part was written in a chat. So whatever looks like a special token is broken by a space behind its opening
bracket: ``<|im_end|>`` becomes ``< |im_end|>``. What is broken, up to 64 characters without white space in between:
``<...>`` (``<|im_start|>``, ``<eos>``, ``</s>``, ``<<SYS>>``, and HTML tags as well) and ``[WORD]`` (``[INST]``,
``[/INST]``, ``[gMASK]``). Sending token ids instead of text (``prompt = "tokens"``) needs none of this.
"""

import re

_OPENING = re.compile(r"<(?=[^\s<>]{1,64}>)|\[(?=/?\w{1,64}\])")


def neutral(text: str) -> str:
    """Break everything that looks like a special token; a text without such is returned as it is."""
    return _OPENING.sub(lambda found: found[0] + " ", text)
