"""The cascade's benchmark: what it fits, where, and what it says."""

import json
from dataclasses import replace

import pytest
from bot_fakes import FakeDecider
from click.testing import CliRunner

from bot.bench.cascade_arms import LEVELS, Level, levels, loosest, measure, timed
from bot.cli import cli
from bot.serving import PROBE, open_serving
from models.cascade import Cascade, even_bars
from models.cascade_fit import FOLDER
from models.item import Item
from models.llama import open_decider


@pytest.fixture
def rows(tmp_path):
    """Labelled rows of three rooms, as a file."""

    def write(name: str, count: int):
        path = tmp_path / name
        lines = [
            {
                "text": f"{'how do I' if n % 2 else 'thanks for'} {n}",
                "room": f"r{n % 3}",
                "sender": "u",
                "window": [],
                "is_question": "yes" if n % 2 else "no",
                "needs_context": "yes" if n % 4 == 1 else "no",
                "weight": 1.0 + n % 2,
            }
            for n in range(count)
        ]
        path.write_text("\n".join(json.dumps(line) for line in lines))
        return path

    return write


@pytest.fixture
def run(house, ggufs):
    def invoke(*arguments):
        path, _ = house
        models = ["--small", str(ggufs[1]), "--model", str(ggufs[0])]
        return CliRunner().invoke(cli, ["--config", str(path), "bench", "cascade", *map(str, arguments), *models])

    return invoke


def test_it_measures_both_arms_and_keeps_a_fit_that_then_serves(run, rows, house, ggufs) -> None:
    ran = run(rows("eval.jsonl", 9), "--fit", rows("fit.jsonl", 6), "--rounds", 2, "--keep", "--json")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.output)
    assert set(found["bursts_per_second"]) == {"large", "small", "cascade"}
    assert min(found["bursts_per_second"].values()) > 0
    assert len(found["times_as_fast_by_round"]) == 2
    assert [level["agreement"] for level in found["tried"]] == list(LEVELS)
    assert found["agreement"] in LEVELS
    for figures in found["questions"].values():
        assert figures["n"] == 9
        for metric, gain in figures["gain"].items():
            assert gain == pytest.approx(figures["cascade"][metric] - figures["large"][metric])
    assert len(list((house[1].data_dir / FOLDER).iterdir())) == 1
    settings = house[1].model_copy(
        update={"decide": house[1].decide.model_copy(update={"cascade": str(ggufs[1]), "cascade_min_memory_mb": 0})}
    )
    served = open_serving(ggufs[0], settings)
    assert isinstance(served, Cascade)
    served.close()
    assert run(rows("eval.jsonl", 6)).exit_code == 0, "what is kept is measured without --fit"


def test_what_cannot_be_measured_is_explained(run, rows) -> None:
    file = rows("one.jsonl", 6)
    for arguments, said in (
        ((file,), "give --fit"),
        ((file, "--fit", file), "another file"),
        ((file, "--keep"), "--keep needs --fit"),
    ):
        ran = run(*arguments)
        assert ran.exit_code != 0
        assert said in str(ran.exception)


@pytest.fixture
def decided(settings):
    """120 items of five rooms, and what a model says about them: all that it says is right."""
    bursts = [replace(PROBE, text=f"text {n}") for n in range(120)]
    made = FakeDecider(settings.questions).decide(bursts)
    items = []
    for n, (burst, one) in enumerate(zip(bursts, made, strict=True)):
        yes = n % 2 == 0
        made[n] = tuple(_leaning(decision, 0.95 if yes else 0.05) for decision in one)
        answers = {question.id: "yes" if yes else "no" for question in settings.questions}
        items.append(Item(burst=burst, answers=answers, conversation=f"room {n % 5}"))
    return settings.questions, items, made


def _leaning(decision, yes):
    return replace(decision, probabilities={"yes": yes, "no": 1 - yes, "unsure": 0.0})


def test_a_small_model_that_agrees_settles_all_at_no_loss(decided) -> None:
    questions, items, made = decided
    small = [tuple(_leaning(decision, decision.probabilities["yes"]) for decision in one) for one in made]
    found = levels(items, questions, small, made)
    assert [level.loss for level in found if level.agreement <= 0.95] == [0.0] * 4
    assert found[0].settled == 1.0


def test_a_small_model_that_is_wrong_settles_nothing(decided) -> None:
    questions, items, made = decided
    small = [tuple(_leaning(decision, 1 - decision.probabilities["yes"]) for decision in one) for one in made]
    assert {(level.settled, level.loss) for level in levels(items, questions, small, made)} == {(0.0, 0.0)}


def test_the_loosest_level_within_the_loss_is_taken() -> None:
    found = [Level(agreement=a, settled=0.5, loss=loss) for a, loss in ((0.9, 0.03), (0.95, 0.004), (0.99, 0.0))]
    assert loosest(found, 0.005) == 0.95
    assert loosest(found, 0.05) == 0.9
    assert loosest(found, -0.1) == LEVELS[-1]


def test_arms_take_turns_and_decide_every_batch_in_every_round(decided) -> None:
    _, items, made = decided
    asked = []

    class Arm:
        revision = "r"

        def __init__(self, name):
            self.name = name

        def decide(self, bursts):
            asked.append((self.name, len(bursts)))
            return made[: len(bursts)]

        def close(self):
            pass

    spent, said = timed(
        {"one": Arm("one"), "other": Arm("other")}, [item.burst for item in items[:20]], 2, lambda: None
    )
    assert spent.shape == (2, 2)
    assert [name for name, _ in asked] == ["other", "one", "one", "other", "one", "other", "other", "one"]
    assert [count for _, count in asked] == [16, 16, 4, 4] * 2
    assert {name: len(one) for name, one in said.items()} == {"one": 20, "other": 20}


def test_an_empty_question_has_no_figures(decided, house, ggufs) -> None:
    questions, items, _ = decided
    _, settings = house
    items = [replace(item, answers={questions[0].id: item.answers[questions[0].id]}) for item in items[:8]]
    models = [open_decider(path, questions, settings.decide) for path in ggufs[::-1]]
    found = measure(items, questions, *models, even_bars(questions, 0.9), rounds=1)
    assert found["questions"][questions[1].id] == {"n": 0}
    for model in models:
        model.close()
