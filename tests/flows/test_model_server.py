"""A real model server from config.toml: evaluated, calibrated, evaluated again, then serving with what was fitted."""

import json
from pathlib import Path

from click.testing import CliRunner

from bot.cli import cli
from bot.serving import PROBE, open_serving
from models.settings import load_settings
from retrain.cli import cli as retrain

REPO = Path(__file__).parents[2]


def test_a_server_is_evaluated_calibrated_and_serves(model_server, tmp_path) -> None:
    text = (REPO / "config.toml").read_text(encoding="utf-8")
    for old, new in (
        ('backend = "llama"', 'backend = "openai"'),
        ('# url = "http://127.0.0.1:8080/v1"   # loopback, or https', f'url = "{model_server.url}"'),
        ('# model = "qwen2.5-7b-instruct"\n# api_key_env = "QUANDARY_MODEL_KEY"', f'model = "{model_server.model}"'),
        ("top_logprobs = 20", "top_logprobs = 5000"),
        ("timeout_s = 10.0", "timeout_s = 60.0"),
    ):
        assert old in text
        text = text.replace(old, new)
    config, rows = tmp_path / "config.toml", tmp_path / "rows.jsonl"
    config.write_text(text, encoding="utf-8")
    labelled = [("how do I install it?", "yes"), ("thanks!", "no")]
    rows.write_text("\n".join(json.dumps({"text": said, "is_question": yes}) for said, yes in labelled))

    def evaluated() -> dict:
        ran = CliRunner().invoke(
            cli, ["--config", str(config), "evaluate", str(rows), "--model", "server", "--json"], catch_exceptions=False
        )
        return json.loads(ran.output)

    before = evaluated()
    assert before["model"] == f"server {model_server.model}"
    assert before["revision"].startswith(f"{model_server.model}@")
    ran = CliRunner().invoke(
        retrain, ["calibrate", "server", str(rows), "--config", str(config), "--json"], catch_exceptions=False
    )
    assert json.loads(ran.output)["is_question"]["temperature"] != 1.0
    after = evaluated()
    assert after["revision"] == before["revision"]
    assert after["log_loss"] < before["log_loss"]

    serving = open_serving(model_server.gguf, load_settings(config))
    (made,) = serving.decide([PROBE])
    serving.close()
    assert {decision.revision for decision in made} == {after["revision"]}
