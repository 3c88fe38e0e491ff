from pathlib import Path

from llama_cpp import Llama, LlamaGrammar

from models.prompt import render
from models.tokens import encode
from retrain.candidate import export_named
from retrain.export.card import prompt_text
from retrain.export.usage import adapter_usage, letters_grammar, model_usage
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item
from tests.retrain.gguf_letters import BUDGET, Plain, llama_letters

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)
TOOLS = "QUANDARY_LLAMA_CPP"
"""Names a folder with llama.cpp's own tools, which no package brings."""


def test_llama_cpp_answers_with_the_best_letter_under_the_cards_grammar(checkpoint: Path, tmp_path: Path) -> None:
    gguf = export_named(str(checkpoint), None, tmp_path / "m.gguf", "f16")
    prompt = render(make_item(4).burst, QUESTIONS, QUESTIONS)
    letters = llama_letters(gguf, encode(prompt, Plain(checkpoint), BUDGET))
    model = Llama(str(gguf), n_ctx=512, n_threads=1, verbose=False)
    try:
        for branch, logits in enumerate(letters):
            ids = model.tokenize(prompt_text(prompt, branch).encode(), add_bos=False, special=True)
            allowed = LlamaGrammar.from_string(letters_grammar(len(logits)), verbose=False)
            told = model.create_completion(ids, max_tokens=1, temperature=0.0, grammar=allowed)
            assert told["choices"][0]["text"] == "ABC"[logits.index(max(logits))]
    finally:
        model.close()


def test_the_card_gives_the_grammar_for_as_many_letters_as_there_are_options() -> None:
    assert letters_grammar(2) == "root ::= [A-B]"
    assert "-m base.f16.gguf --lora adapter.gguf -bf prompt.txt" in adapter_usage("x", 3, base=True)
    for told in (adapter_usage("x", 3, base=False), model_usage("m.gguf", 3, safetensors=True)):
        assert "--grammar 'root ::= [A-C]'" in told
    assert "llama.cpp" not in model_usage(None, 3, safetensors=True)
