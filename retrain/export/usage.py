"""What a card says of loading an export elsewhere. Pure."""

from models.prompt import LETTERS

BASE, LORA = "base", "adapter.gguf"
OLLAMA = """Ollama: `ollama create NAME -f Modelfile`, then `"raw": true`. It knows no such grammar: ask for
log-probabilities (`"logprobs": true, "top_logprobs": 20`), compare the letters', and count an answer without all of
them as none. With the starter family the letters are not among the 20: use llama.cpp or Quandary."""


def adapter_usage(base_name: str, options: int, *, base: bool) -> str:
    """How an adapter is loaded, beside its base or over one that ``base_name`` tells; ``options`` of ``prompt.txt``."""
    name = f'"{BASE}"' if base else f'"{base_name}"'
    gguf = f"{BASE}.f16.gguf" if base else "BASE.gguf"
    return (
        "## How to load it\n\n    from peft import PeftModel\n    from transformers import AutoModelForCausalLM\n\n"
        f'    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained({name}), ".")\n\n'
        f"{_llama_cpp(f'{gguf} --lora {LORA}', options)}\n"
        "The base must be the very one that it was trained on."
    )


def model_usage(first: str | None, options: int, *, safetensors: bool) -> str:
    """How a merged model is loaded; ``first`` is its first GGUF, ``options`` those of ``prompt.txt``."""
    lines = ["## How to load it", ""]
    if safetensors:
        lines += ['    AutoModelForCausalLM.from_pretrained(".")', ""]
    if first is not None:
        lines += [_llama_cpp(first, options), "", OLLAMA, "", f'Quandary: `model = "{first}"` in `[decide]`.']
    return "\n".join(lines)


def _llama_cpp(model: str, options: int) -> str:
    """The command that answers ``prompt.txt``: training chose among letters, so that others may be likelier."""
    return (
        f"llama.cpp: `llama-completion -m {model} -bf prompt.txt -n 1 --temp 0 -no-cnv "
        f"--grammar '{letters_grammar(options)}'`.\n"
        "The grammar is needed: training taught which letter, not that a letter comes."
    )


def letters_grammar(options: int) -> str:
    """A GBNF grammar of llama.cpp that allows the bare letters of so many options and nothing else."""
    return f"root ::= [A-{LETTERS[options - 1]}]"
