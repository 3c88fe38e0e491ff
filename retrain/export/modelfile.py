"""A Modelfile for Ollama: https://docs.ollama.com/modelfile. Pure."""

PARAMETERS = {"temperature": "0", "num_predict": "1", "repeat_penalty": "1"}
"""The penalty was 1.1 by default in releases of Ollama and falls on letters that stand in the prompt: all answers."""


def modelfile(gguf: str, context: int, licence: str) -> str:
    """Say how Ollama runs a GGUF beside it: the prompt goes in as it was rendered, one token comes out."""
    lines = [
        "# ollama create NAME -f Modelfile; the prompt is rendered whole, see README.md",
        f"FROM ./{gguf}",
        'TEMPLATE """{{ .Prompt }}"""',
        *(f"PARAMETER {name} {value}" for name, value in PARAMETERS.items()),
        f"PARAMETER num_ctx {context}",
        f'LICENSE """{licence.replace(chr(34), chr(39))}"""',
    ]
    return "\n".join(lines) + "\n"
