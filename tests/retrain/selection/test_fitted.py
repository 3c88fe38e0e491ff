import numpy as np
import pytest

from retrain.selection.fitted import fitted


def odd_predictions(n: int = 400) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A model that sees the answer among three, but prefers the last option and is far too sure."""
    rng = np.random.default_rng(0)
    answer = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    scores = 4.0 * (np.eye(3)[answer] + rng.normal(0, 0.8, (n, 3))) + np.array([0.0, 0.0, 5.0])
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return logs, answer, [f"room {i // 10}" for i in range(n)]


def test_what_prefers_an_option_and_is_too_sure_means_what_it_says_afterwards() -> None:
    logs, answer, conversations = odd_predictions()
    found = fitted(logs, answer, conversations)
    rows = np.arange(len(answer))
    assert np.exp(found).sum(axis=1) == pytest.approx(1.0)
    assert -found[rows, answer].mean() < -logs[rows, answer].mean() - 0.5
    assert np.exp(found).mean(axis=0) == pytest.approx(np.bincount(answer) / len(answer), abs=0.02)


def test_labels_of_a_conversation_play_no_part_in_what_they_are_judged_by() -> None:
    logs, answer, conversations = odd_predictions()
    other = answer.copy()
    other[:10] = (other[:10] + 1) % 3
    before, after = fitted(logs, answer, conversations), fitted(logs, other, conversations)
    assert before[:10] == pytest.approx(after[:10])
    assert before[10:] != pytest.approx(after[10:])


def test_few_labels_or_one_conversation_leave_predictions_as_they_are() -> None:
    logs, answer, conversations = odd_predictions()
    assert fitted(logs[:15], answer[:15], conversations[:15]) == pytest.approx(logs[:15])
    assert fitted(logs, answer, ["one"] * len(answer)) == pytest.approx(logs)
