from dataclasses import replace

from softswitch.store.training import TrainingBook, TrainingResult
from tests.store.conftest import WALL

RESULT = TrainingResult(
    WALL, "101", "survey", "practice-1", "busy", 61.5, 87, True, 1.0, 1.0, 0.6, 1.0, 1.0, 0.5, ('"age" was left',)
)


def test_results_are_kept_as_they_are_and_come_newest_first_of_one_agent_or_all(with_store) -> None:
    async def body(store):
        book = TrainingBook(store)
        other, newest = replace(RESULT, agent="102"), replace(RESULT, drill_ref="practice-2", remarks=())
        for each in (RESULT, other, newest):
            await book.keep(each)
        assert await book.results() == [newest, other, RESULT]
        assert await book.results("101") == [newest, RESULT]
        assert await book.results(limit=1) == [newest]
        assert await book.results("103") == []

    with_store(body)
