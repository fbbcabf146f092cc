"""The never-dial list is in the store, as hashes: by a command or from a newer file, and taken over while dialling."""

import asyncio
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from softswitch.commands.never_dial import never_dial_app
from softswitch.config import load
from softswitch.errors import UsageError
from softswitch.exchange.running.never_dial_watch import NeverDialWatch, take_up_never_dial
from softswitch.safeguards.audit import AuditRecord
from softswitch.store.connection import create_engine
from softswitch.store.database import Store
from tests.auditor import AUDITOR

VICTIM, OTHER = "+442079460123", "+442079460124"
SITE = f'[recordings]\nauditor_public_key = "{AUDITOR.public.hex()}"\n[safeguards]\nnever_dial = "list.csv"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "data").mkdir()
    return tmp_path / "site.toml"


async def opened(config: Path) -> Store:
    return await Store.open(f"sqlite+aiosqlite:///{config.parent / 'data' / 'softswitch.db'}")


def test_a_newer_file_takes_the_lists_place_and_an_older_one_does_not(config: Path) -> None:
    path = config.parent / "list.csv"

    async def story() -> None:
        store = await opened(config)
        assert await take_up_never_dial(store, load(config)) == (None, None)
        path.write_text(f"number\n{VICTIM}\n")
        found, at = await take_up_never_dial(store, load(config))
        assert found is not None and found.contains(VICTIM) and not found.contains(OTHER)
        assert found.contains("999") and found.contains("+449098790000"), "what no list needs to name"
        assert at == datetime.fromtimestamp(path.stat().st_mtime, UTC)
        await store.replace_never_dial([OTHER], datetime.now(UTC) + timedelta(seconds=1))
        found, _ = await take_up_never_dial(store, load(config))
        assert found is not None and found.contains(OTHER) and not found.contains(VICTIM)
        path.write_text("number\nnobody\n")
        later = datetime.now().timestamp() + 10
        os.utime(path, (later, later))
        with pytest.raises(UsageError, match="line 2"):
            await take_up_never_dial(store, load(config))
        path.unlink()
        found, _ = await take_up_never_dial(store, load(config))
        assert found is not None and found.contains(OTHER)
        await store.close()

    asyncio.run(story())


def test_the_command_keeps_hashes_alone_and_says_how_old_the_list_is(config: Path, tmp_path: Path) -> None:
    (tmp_path / "victims.csv").write_text(f"number\n{VICTIM}\n020 7946 0124\n")
    run = CliRunner().invoke
    assert run(never_dial_app, ["status", str(config)]).exit_code == 1
    done = run(never_dial_app, ["import", str(config), str(tmp_path / "victims.csv")])
    assert done.exit_code == 0, (done.output, done.exception)
    (tmp_path / "victims.csv").unlink()
    assert "2 numbers" in run(never_dial_app, ["status", str(config)]).output
    raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(mark in raw for mark in (b"79460123", b"7946 0124", b"79460124"))
    (record,) = [AuditRecord.from_line(line) for line in (tmp_path / "data" / "audit.log").read_text().splitlines()]
    assert (record.action, record.subject, record.reason) == ("import never-dial list", "2 numbers", "victims.csv")

    async def story() -> None:
        store = await opened(config)
        found = await store.never_dial()
        assert found is not None and found[0].contains(VICTIM) and found[0].contains(OTHER)
        assert not {store.digest(VICTIM)} & found[0].digests(), "no join with leads tells who is on it"
        await store.close()

    asyncio.run(story())


def test_a_list_with_a_line_that_is_no_number_changes_nothing(config: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(f"number\n{VICTIM}\nAnn\n")
    done = CliRunner().invoke(never_dial_app, ["import", str(config), str(tmp_path / "bad.csv")])
    assert done.exit_code == 2
    assert "line 3" in " ".join(done.output.split())
    assert not (tmp_path / "data" / "audit.log").exists()


def test_a_list_of_nobody_or_one_that_was_cut_off_does_not_take_the_lists_place(config: Path, tmp_path: Path) -> None:
    def imported(count: int, *options: str):
        text = "number\n" + "".join(f"+4420794601{n:02}\n" for n in range(count))
        (tmp_path / "new.csv").write_text(text)
        command = ["import", str(config), str(tmp_path / "new.csv"), *options]
        return CliRunner().invoke(never_dial_app, command)

    def status() -> str:
        return CliRunner().invoke(never_dial_app, ["status", str(config)]).output

    assert imported(0).exit_code == 2
    assert imported(20).exit_code == 0
    for count in (0, 1, 17):
        assert imported(count).exit_code == 2
        assert "20 numbers" in status()
    assert imported(0, "--shorter").exit_code == 2
    assert imported(18).exit_code == 0, "a tenth may go by itself"
    assert imported(3, "--shorter").exit_code == 0
    assert "3 numbers" in status()
    records = [AuditRecord.from_line(line) for line in (tmp_path / "data" / "audit.log").read_text().splitlines()]
    assert records[-1].subject == "3 numbers, though the list before was longer"


def test_a_list_that_lost_a_part_in_the_store_counts_as_none(config: Path) -> None:
    async def story() -> None:
        store = await opened(config)
        await store.replace_never_dial([VICTIM, OTHER])
        engine = create_engine(f"sqlite:///{config.parent / 'data' / 'softswitch.db'}")
        async with engine.begin() as connection:
            await connection.exec_driver_sql(
                "DELETE FROM never_dial WHERE number_digest = (SELECT max(number_digest) FROM never_dial)"
            )
        await engine.dispose()
        assert await store.never_dial() is None
        assert await take_up_never_dial(store, load(config)) == (None, None)
        await store.close()

    asyncio.run(story())


def test_a_running_site_takes_a_new_list_over_and_leaves_who_is_rung_in_peace(config: Path) -> None:
    async def story() -> None:
        store = await opened(config)
        suppressed: list[str] = []
        calls = SimpleNamespace(
            numbers={VICTIM, OTHER},
            dialler=SimpleNamespace(receive_suppressed=lambda number, now: suppressed.append(number)),
        )

        @contextmanager
        def mutating() -> Any:
            yield 0.0

        site = SimpleNamespace(store=store, campaigns={"survey": calls}, mutating=mutating)
        gate, conditions = SimpleNamespace(never_dial=None), SimpleNamespace(never_dial_at=None)
        watch = NeverDialWatch(site, gate, conditions)  # type: ignore[arg-type]
        await watch.look()
        assert gate.never_dial is None
        await store.replace_never_dial([VICTIM])
        await watch.look()
        assert gate.never_dial is not None and gate.never_dial.contains(VICTIM)
        assert conditions.never_dial_at is not None
        assert suppressed == [VICTIM]
        await watch.look()
        assert suppressed == [VICTIM], "the same list is not taken over twice"
        await store.close()

    asyncio.run(story())
