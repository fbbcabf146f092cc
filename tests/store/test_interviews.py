"""Interviews in the store: kept as they stand, counted once in their cells, read back by campaign."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from softswitch.store.interviews import KeptInterview

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
        assert await store.quotas_filled("survey", "travel") == {"young": 2, "women": 1}
        assert await store.quotas_filled("survey", "another") == {}
        assert await store.interviews_going_on() == []
        assert [kept.call_ref async for kept in store.interviews_of("survey")] == ["c1", "c2"]

    with_store(body)


def test_an_interview_that_came_to_nothing_is_forgotten(with_store) -> None:
    async def body(store):
        await store.keep_interview(KEPT)
        await store.forget_interview("c1")
        await store.forget_interview("c1")
        assert await store.interviews_going_on() == []

    with_store(body)


def test_a_case_has_its_attempts_in_order_with_what_their_interviews_came_to(with_store, make_attempt) -> None:
    async def body(store):
        for n, (call_ref, lead, disposition) in enumerate(
            (("c0", "l1", "no-answer"), ("c1", "l1", "opt-out"), ("c2", "l2", "refusal"))
        ):
            at = BEGUN + timedelta(hours=n)
            await store.commit_attempt(
                make_attempt(
                    call_ref=call_ref, lead_ref=lead, campaign="survey", committed_at=at, disposition=disposition
                )
            )
        await store.keep_interview(ENDED)
        assert await store.final_dispositions("survey") == {
            "l1": [("no-answer", "", False), ("opt-out", "complete", False)],
            "l2": [("refusal", "", False)],
        }
        assert await store.final_dispositions("other") == {}

    with_store(body)
