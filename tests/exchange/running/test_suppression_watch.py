"""What others suppress while the switch runs."""

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from softswitch.dialler.campaign import Campaign, Purpose
from softswitch.dialler.suppression import SuppressionList
from softswitch.exchange.running.suppression_watch import SuppressionWatch
from softswitch.store.database import Store


class Calls:
    """A campaign that rings two numbers, and what its dialler is told."""

    def __init__(self, purpose: Purpose) -> None:
        self.told: list[object] = []
        self.dialler = SimpleNamespace(
            campaign=Campaign("survey", purpose),
            receive_suppressed=lambda number, now, everywhere=True: self.told.append((number, everywhere)),
            receive_screening=lambda at, now: self.told.append(at),
        )
        self.numbers = {"+442079460001", "+442079460002"}


def test_a_number_that_a_command_suppresses_is_known_at_the_next_look_and_its_call_is_ended(tmp_path: Path) -> None:
    async def run() -> None:
        url = f"sqlite:///{tmp_path}/store.db"
        store, other = await Store.open(url), await Store.open(url)
        research, marketing = Calls(Purpose.RESEARCH), Calls(Purpose.MARKETING)

        @contextmanager
        def mutating():
            yield 7.0

        site = SimpleNamespace(
            store=store,
            suppression=SuppressionList(digest=store.digest),
            campaigns={"survey": research, "panel": marketing},
            mutating=mutating,
        )
        watch = SuppressionWatch(site)
        await watch.look()
        assert len(site.suppression) == 0 and research.told == marketing.told == []
        await other.suppress("+442079460001", reason="by a command")
        await other.suppress("+442079460002", "survey", reason="by a command")
        await watch.look()
        assert site.suppression.contains("+442079460001", "any") and site.suppression.contains(
            "+442079460002", "survey"
        )
        assert not site.suppression.contains("+442079460002", "another")
        assert marketing.told == [("+442079460001", True)]
        assert sorted(research.told) == [("+442079460001", True), ("+442079460002", False)]
        began = datetime.now(UTC) - timedelta(hours=1)
        await other.end_screening(began)
        await watch.look()
        assert len(research.told) == 2 and marketing.told[1:] == [began]
        await store.close()
        await other.close()

    asyncio.run(run())
