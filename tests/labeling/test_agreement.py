from labeling.agreement import labels_of, majority
from models.agreement import applicable
from models.ids import BurstId, OptionId, QuestionId
from models.labels import Label, Response
from tests.labeling.made import NOON, Two, response


def settle(questions: Two, *responses: Response, overlap: int = 1) -> dict[str, str | None]:
    labels: list[Label] = labels_of(BurstId("b"), questions, responses, overlap=overlap, audit=True, at=NOON)
    assert all(label.audit and label.labelled_at == NOON for label in labels)
    return {label.question: label.option for label in labels}


def test_majority_needs_a_lead() -> None:
    yes, no = OptionId("yes"), OptionId("no")
    assert majority([yes, no, yes]) == yes
    assert majority([yes, no]) is None
    assert majority([]) is None


def test_an_answer_that_its_forerunner_rules_out_does_not_count(questions: Two) -> None:
    answers = {QuestionId("is_question"): OptionId("no"), QuestionId("needs_context"): OptionId("yes")}
    assert applicable(answers, questions) == {"is_question": "no"}


def test_unknown_questions_and_options_do_not_count(questions: Two) -> None:
    answers = {QuestionId("is_question"): OptionId("perhaps"), QuestionId("mood"): OptionId("yes")}
    assert applicable(answers, questions) == {}


def test_one_response_settles_both_questions(questions: Two) -> None:
    assert settle(questions, response("a", is_question="yes", needs_context="no")) == {
        "is_question": "yes",
        "needs_context": "no",
    }


def test_nothing_is_settled_below_the_overlap(questions: Two) -> None:
    assert settle(questions, response("a", is_question="yes"), overlap=2) == {}
    assert settle(questions) == {}


def test_discarded_responses_do_not_vote(questions: Two) -> None:
    one, other = response("a", is_question="no"), response("b", status="discarded", is_question="yes")
    assert settle(questions, one, other) == {"is_question": "no"}
    assert settle(questions, one, other, overlap=2) == {}


def test_a_tie_is_a_disagreement_and_settles_no_follow_up(questions: Two) -> None:
    one, other = response("a", is_question="yes", needs_context="yes"), response("b", is_question="no")
    assert settle(questions, one, other, overlap=2) == {"is_question": None}


def test_a_follow_up_needs_more_than_half_of_those_who_submitted(questions: Two) -> None:
    yes = {"is_question": "yes"}
    assert settle(questions, response("a", **yes, needs_context="no"), response("b", **yes), overlap=2) == yes
    three = [response("a", **yes, needs_context="no"), response("b", **yes, needs_context="no"), response("c", **yes)]
    assert settle(questions, *three, overlap=2) == {"is_question": "yes", "needs_context": "no"}
