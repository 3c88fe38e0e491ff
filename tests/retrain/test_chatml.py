import json
from pathlib import Path

from gguf import GGUFReader
from transformers import AutoTokenizer

from models.prompt import render
from models.remote.wire import messages_of
from models.settings import Settings
from retrain.candidate import export_named
from retrain.chatml import with_chat_template
from retrain.export.card import prompt_text
from retrain.gguf_vocab import TEMPLATE, chat_template
from retrain.lora import merge
from tests.retrain.conftest import make_item

NAMES = ("tokenizer.json", "tokenizer_config.json")


def tokenizer_folder(checkpoint: Path, folder: Path, template: str | None) -> Path:
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes((checkpoint / name).read_bytes())
    told = json.loads((folder / NAMES[1]).read_text())
    told.pop("chat_template", None)
    if template is not None:
        told["chat_template"] = template
    (folder / NAMES[1]).write_text(json.dumps(told))
    return folder


def test_the_template_makes_of_messages_the_very_prompt_that_the_renderer_wrote(checkpoint, tmp_path: Path) -> None:
    folder = with_chat_template(tokenizer_folder(checkpoint, tmp_path / "plain", None))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    questions = Settings.model_validate({}).questions
    for item in (make_item(i) for i in range(6)):
        prompt = render(item.burst, questions, questions)
        for number, branch in enumerate(prompt.branches):
            messages = messages_of((*prompt.preamble, *prompt.messages, prompt.burst, *branch.segments))
            assert [one["role"] for one in messages] == ["system", "user"]
            told = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            assert told == prompt_text(prompt, number)


def test_a_model_with_a_template_of_its_own_keeps_it(checkpoint, tmp_path: Path) -> None:
    folder = with_chat_template(tokenizer_folder(checkpoint, tmp_path / "own", "{{ messages[0]['content'] }}"))
    assert chat_template(folder) == "{{ messages[0]['content'] }}"
    assert not (folder / TEMPLATE).exists()


def test_an_exported_gguf_carries_the_template(checkpoint, tmp_path: Path) -> None:
    made = export_named(str(checkpoint), None, tmp_path / "one.gguf", "f16")
    merged = with_chat_template(merge(str(checkpoint), None, tmp_path / "merged"))
    assert GGUFReader(made).fields["tokenizer.chat_template"].contents() == chat_template(merged)
