"""Which rank the data ask for, and when they do not say."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.ids import QuestionId
from models.toml import dump_settings
from retrain.bench.rank.answer import kept, learned, summary
from retrain.bench.rank.command import lowrank
from retrain.bench.rank.reading import Reading, lead, of_body, of_rates, of_rows
from retrain.bench.rank.study import Found, counted
from retrain.judged import judged
from retrain.spectrum import Spectrum
from tests.retrain.conftest import IS_QUESTION, make_item, make_settings

ASKS = QuestionId("is_question")
ROOMS = 8


def reading(log_p: float) -> Reading:
    """The same in every room, but for a little that differs from room to room."""
    rooms = np.stack([10 * (log_p + np.linspace(-0.02, 0.02, ROOMS)), np.full(ROOMS, 10.0)], axis=1)
    return Reading(macro_f1=0.5, rooms=rooms)


def found(*, full: float, cut: dict[int, float], lora: dict[int, float]) -> Found:
    """A study of one question: vanilla -.7, the labels' rates -.5."""
    spectrum = Spectrum(layer="a.q_proj", outputs=4, inputs=4, plain=np.array([3.0, 1.0, 0.1]), felt=np.ones(3))
    return Found(
        rung="starter-base-xs",
        seed=0,
        rates={ASKS: reading(-0.5)},
        vanilla={ASKS: reading(-0.7)},
        full={ASKS: reading(full)},
        cut={rank: {ASKS: reading(value)} for rank, value in cut.items()},
        lora={rank: {ASKS: reading(value)} for rank, value in lora.items()},
        loss=0.3,
        lora_loss=dict.fromkeys(lora, 0.3),
        spectra=(spectrum,),
    )


def test_the_rank_is_the_least_from_which_on_most_of_what_was_learned_is_kept() -> None:
    one = found(full=-0.3, cut={1: -0.45, 4: -0.315, 16: -0.305}, lora={2: -0.6, 8: -0.32})
    assert kept([one.cut], [one], [ASKS]) == pytest.approx({1: 0.25, 4: 0.925, 16: 0.975})
    assert kept([one.lora], [one], [ASKS])[2] == pytest.approx(
        -0.5
    )  # below the rates: worse than having learned nothing
    told = summary([one])
    assert "is kept by rank 4 of the change" in told
    assert "LoRA learns as much from rank 8 on" in told


def test_a_rank_that_happens_to_do_below_one_that_does_not_is_not_named() -> None:
    one = found(full=-0.3, cut={1: -0.31, 4: -0.45, 16: -0.46}, lora={8: -0.6})
    assert "no rank of the change that was tried; LoRA learns as much at no rank" in summary([one])


def test_there_is_no_answer_where_all_weights_learn_no_more_than_the_rates() -> None:
    one = found(full=-0.505, cut={1: -0.5}, lora={8: -0.5})
    assert lead([one.full[ASKS]], [one.vanilla[ASKS]], np.random.default_rng(0))[1][0] > 0.1
    assert learned([one]) == ()
    assert "NO ANSWER" in summary([one])


def test_rates_alone_give_the_entropy_of_the_labels() -> None:
    items = [make_item(n, conversation=f"room-{n % 3}") for n in range(12)]
    rows = judged(IS_QUESTION, items, {item.burst.id: [0.0, 0.0, 0.0] for item in items})
    assert of_rates(rows).log_p == pytest.approx(np.log(0.5))
    even = of_rows(rows)
    assert even.log_p == pytest.approx(np.log(1 / 3))
    assert of_body(even.body()).log_p == pytest.approx(even.log_p)
    assert len(even.rooms) == 3


def test_a_rare_yes_counts_twice_in_judging_too() -> None:
    items = [make_item(n) for n in (0, *range(1, 12, 2))]  # one question among six others
    assert [item.weight for item in counted(items, [IS_QUESTION])] == [2.0] + [1.0] * 6


def test_a_study_is_run_once_and_says_when_it_has_no_answer(checkpoint: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(dump_settings(make_settings(tmp_path, (checkpoint,), checkpoint)), encoding="utf-8")
    paths = tmp_path / "train.jsonl", tmp_path / "held.jsonl"
    for path, numbers in zip(paths, (range(24), range(40, 60)), strict=True):
        rows = [
            {"text": f"thing {n}", "room": f"room-{n % 4}", "is_question": "no" if n % 3 else "yes"} for n in numbers
        ]
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    words = [*map(str, paths), "--rung", str(checkpoint), "--rank", "1", "--rank", "4", "--lora-rank", "2"]
    words += ["--epochs", "1", "--seeds", "1", "--full-rate", "1e-9", "--tokens", "400", "--config", str(config)]
    words += ["--work", str(tmp_path / "work")]
    figure = ["--figure", str(tmp_path / "study.png")]
    first = CliRunner().invoke(lowrank, [*words, *figure, "--json"], catch_exceptions=False)
    [body] = json.loads(first.stdout)
    assert body["learned"] == []
    assert "NO ANSWER" in body["summary"]
    assert (tmp_path / "study.png").exists()
    again = CliRunner().invoke(lowrank, words, catch_exceptions=False)
    assert "NO ANSWER" in again.stdout
    assert "train" not in again.stderr
