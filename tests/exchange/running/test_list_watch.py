"""Lists that are imported, or change, while the switch runs."""

import asyncio
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from softswitch.exchange.running.list_watch import ListWatch
from softswitch.store.database import Store

HERE = {"country": "GB", "time_zone": "Europe/London"}


def test_a_list_that_a_command_imports_or_changes_is_known_at_the_next_look(tmp_path: Path) -> None:
    async def run() -> None:
        url = f"sqlite:///{tmp_path}/store.db"
        store, other = await Store.open(url), await Store.open(url)
        told: list[object] = []

        @contextmanager
        def mutating():
            yield 7.0

        dialler = SimpleNamespace(
            receive_lead_totals=lambda total, left, now: told.append((total, left)),
            receive_lists_changed=lambda now: told.append("changed"),
        )
        site = SimpleNamespace(store=store, mutating=mutating, campaigns={"survey": SimpleNamespace(dialler=dialler)})
        watch = ListWatch(site)
        file = tmp_path / "people.csv"
        file.write_text("number\n+442079460001\n+442079460002\n")
        await other.import_leads(file, "survey", **HERE)
        await watch.look()
        assert told == [(2, 2)]
        file.write_text("number\n+442079460003\n")
        await other.import_leads(file, "panel", **HERE)
        await watch.look()
        assert told == [(2, 2)]
        await other.import_leads(file, "survey", **HERE)
        await watch.look()
        assert told == [(2, 2), (3, 3), "changed"]
        last = (await store.lists("survey"))[-1].list_ref
        for change in ({"priority": 5}, {"share": 3}, {"active": False}, {"active": True}):
            await other.change_list(last, **change)
            await watch.look()
            await watch.look()
        assert told[3:] == [(3, 3), "changed"] * 4
        await other.lead_of_number("survey", "+442079460009", "Europe/London", "callback offers")
        await watch.look()
        assert told[3:] == [(3, 3), "changed"] * 4
        await store.close()
        await other.close()

    asyncio.run(run())
