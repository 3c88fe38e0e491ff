from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.effect import Doubts, Rates, Work, compare
from labeling.news import news_of, with_news, without_news
from labeling.titles import TITLES, Tongue, retitled

SINCE = datetime(2026, 11, 20, 3, tzinfo=UTC)
WORK = Work(used=400, since=40, agreed=0, shared=0)


def rates(after: int) -> Rates:
    found = compare(
        [Doubts(room="a", bursts=1000, unsure=310)],
        [Doubts(room="a", bursts=1000, unsure=after)],
    )
    assert found is not None
    return found


def test_nothing_is_invented_where_no_promoted_model_learned_from_anything() -> None:
    assert news_of(WORK, None, None, "en") == ""
    assert news_of(Work(used=0, since=9, agreed=0, shared=0), rates(220), SINCE, "zh") == ""
    assert "ask" not in news_of(WORK, None, SINCE, "en")


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_the_fall_is_told_with_its_interval_and_a_change_by_chance_as_that(tongue: Tongue) -> None:
    told = news_of(WORK, rates(220), SINCE, tongue)
    for number in ("2026-11-20", "400", "40", "31%", "22%", "-13%", "-5%", "2000"):
        assert number in told
    told = news_of(WORK, rates(305), SINCE, tongue)
    assert {"en": "not changed", "zh": "尚无"}[tongue] in told


@given(st.text(max_size=80), st.sampled_from(["en", "zh"]))
def test_news_come_off_as_they_were_put_on(guidelines: str, tongue: Tongue) -> None:
    news = news_of(WORK, None, SINCE, tongue)
    assert without_news(with_news(news, guidelines)) == guidelines
    assert without_news("## Their own\n\n---\n\n" + guidelines) == "## Their own\n\n---\n\n" + guidelines


def test_only_titles_of_ours_are_put_in_another_language() -> None:
    parts = [
        {"id": 1, "name": "burst", "title": TITLES["en"].burst},
        {"id": 2, "name": "window", "title": "An admin's own"},
        {"id": 3, "name": "rewrite", "title": TITLES["zh"].rewrite},
    ]
    wanted = [
        {"name": "burst", "title": TITLES["zh"].burst},
        {"name": "window", "title": TITLES["zh"].window},
        {"name": "rewrite", "title": TITLES["zh"].rewrite, "description": TITLES["zh"].rewrite_hint},
    ]
    assert list(retitled("fields", parts, wanted)) == [("/api/v1/fields/1", {"title": TITLES["zh"].burst})]
    back = [wanted[0], wanted[1], {"name": "rewrite", "title": TITLES["en"].rewrite, "description": "in English"}]
    assert list(retitled("questions", parts[2:], back)) == [
        ("/api/v1/questions/3", {"title": TITLES["en"].rewrite, "description": "in English"})
    ]
