"""Interviews in the store: kept as they stand, counted once in their cells, read back by campaign."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from softswitch.store.interviews import KeptInterview
from softswitch.survey.aapor import SITE_WORDING, Wording

BEGUN = datetime(2027, 3, 10, 12, tzinfo=UTC)
KEPT = KeptInterview(
    call_ref="c1",
    campaign="survey",
    script="travel",
    agent="1001",
    node="age",
    begun_at=BEGUN,
    changed_at=BEGUN,
    ended_at=None,
    ending="",
    is_partial=False,
    answers={"consent": "yes", "pets": ["dog", "cat"], "age": 41},
    seconds={"consent": 4.5},
    state={"path": ["consent", "age"]},
    revision=2,
)
ENDED = replace(KEPT, ended_at=BEGUN + timedelta(minutes=3), ending="complete", revision=9, cells=("young", "women"))


def test_what_is_kept_is_read_back_and_the_newest_state_stands(with_store) -> None:
    async def body(store):
        await store.keep_interview(KEPT)
        newer = replace(KEPT, node="sex", revision=3)
        await store.keep_interview(newer)
        await store.keep_interview(replace(KEPT, node="old", revision=2))
        assert await store.interviews_going_on() == [newer]
        assert [kept async for kept in store.interviews_of("survey")] == []

    with_store(body)


def test_an_interview_counts_once_in_each_of_its_cells(with_store) -> None:
    async def body(store):
        await store.keep_interview(KEPT)
        await store.keep_interview(ENDED)
        await store.keep_interview(ENDED)
        await store.keep_interview(replace(ENDED, revision=10))
        await store.keep_interview(replace(ENDED, call_ref="c2", cells=("young",)))
        await store.keep_interview(replace(ENDED, call_ref="c3", campaign="other"))
        later = BEGUN + timedelta(days=1)
        await store.keep_interview(replace(ENDED, call_ref="c4", cells=("women",), ended_at=later))
        assert await store.quotas_filled("survey", "travel") == {"young": 2, "women": 2}
        between = store.quotas_filled_between
        assert await between("survey", "travel", None, None) == {"young": 2, "women": 2}
        assert await between("survey", "travel", None, later) == {"young": 2, "women": 1}
        assert await between("survey", "travel", later, None) == {"women": 1}
        assert await store.quotas_filled("survey", "another") == {}
        assert await store.interviews_going_on() == []
        assert [kept.call_ref async for kept in store.interviews_of("survey")] == ["c1", "c2", "c4"]

    with_store(body)


def test_an_interview_that_came_to_nothing_is_forgotten(with_store) -> None:
    async def body(store):
        await store.keep_interview(KEPT)
        await store.forget_interview("c1")
        await store.forget_interview("c1")
        assert await store.interviews_going_on() == []

    with_store(body)


CASES = {
    # what a lead's attempts came to -> what counts of them
    ("no-answer", "busy"): "busy",
    ("busy", "no-answer"): "no-answer",
    ("no-answer", "completed"): "completed",
    ("completed", "no-answer"): "completed",
    ("partial", "refusal"): "partial",
    ("callback", "refusal", "no-answer"): "refusal",
    ("refusal", "not-eligible"): "refusal",
    ("machine", "abandoned"): "abandoned",
    ("callback", "machine", "no-answer"): "callback",
    ("no-answer", "invalid-number"): "invalid-number",
    ("callback", "wrong-number"): "wrong-number",
    ("made-up", "busy"): "busy",
    ("busy", "made-up"): "busy",
    ("made-up",): "made-up",
}


def test_a_case_counts_by_the_attempt_that_says_most_and_among_equals_by_the_last(with_store, make_attempt) -> None:
    async def body(store):
        for n, came_to in enumerate(CASES):
            for k, disposition in enumerate(came_to):
                at = BEGUN + timedelta(hours=k)
                await store.commit_attempt(
                    make_attempt(
                        call_ref=f"{n}-{k}",
                        lead_ref=f"l{n}",
                        campaign=f"s{n}",
                        committed_at=at,
                        disposition=disposition,
                    )
                )
        ranks = Wording(SITE_WORDING).ranks
        found = {came_to: await store.ended_as(f"s{n}", ranks) for n, came_to in enumerate(CASES)}
        assert found == {came_to: {counts: 1} for came_to, counts in CASES.items()}
        assert await store.ended_as("other", ranks) == {}

    with_store(body)


def test_a_complete_interview_stays_one_though_the_callee_opted_out_and_a_period_has_its_own_cases(
    with_store, make_attempt
) -> None:
    async def body(store):
        for n, (lead, disposition) in enumerate(
            (("l1", "no-answer"), ("l1", "opt-out"), ("l2", "break-off"), ("l3", "opt-out"), ("l3", "busy"))
        ):
            at = BEGUN + timedelta(hours=n)
            await store.commit_attempt(
                make_attempt(
                    call_ref=f"c{n}", lead_ref=lead, campaign="survey", committed_at=at, disposition=disposition
                )
            )
        await store.keep_interview(ENDED)
        await store.keep_interview(replace(ENDED, call_ref="c2", ending="broken_off", is_partial=True, cells=()))
        await store.keep_interview(replace(ENDED, call_ref="c3", ending="opted_out", cells=()))
        ranks = Wording(SITE_WORDING).ranks
        assert await store.ended_as("survey", ranks) == {"completed": 1, "partial": 1, "opt-out": 1}
        one, four = BEGUN + timedelta(hours=1), BEGUN + timedelta(hours=4)
        assert await store.ended_as("survey", ranks, after=one) == {"no-answer": 1}
        assert await store.ended_as("survey", ranks, first=four) == {"busy": 1}

    with_store(body)
