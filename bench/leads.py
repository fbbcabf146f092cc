"""How long do a million leads take: an import, encrypted, in s; a refill of the hopper from them, in ms?

    python bench/leads.py --json -                 a million leads
    python bench/leads.py --leads 200000           fewer

The list is one campaign's, UK mobiles as carriers' customers write them, with name and address, held against a
never-dial list. Refills of 200 are measured from a list that nobody has called, from one of which nine tenths wait for
another day, from one that is due as a whole, and from one of which a fifth is suppressed. wall: what a person waits;
cpu: of this process, for a machine that does other work at the same time.
"""

import asyncio
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from figures import parser, report

from softswitch.safeguards.never_dial import NeverDialList
from softswitch.store.database import Store
from softswitch.store.lead_export import write_leads

CAMPAIGN = "survey"
NEVER_DIALLED = 5000
"""Numbers on the never-dial list; none of them is on the campaign's."""
REFILLS = 20
IN_A_REFILL = 200


def write_list(path: Path, leads: int, seed: int = 1) -> None:
    """A list with different numbers, in no order."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write("phone_number,first_name,last_name,address1,city,postal_code\n")
        for n, number in enumerate(rng.sample(range(7_400_000_000, 7_600_000_000), leads)):
            text = f"0{number}" if n % 3 else f"+44 {number // 1_000_000} {number % 1_000_000:06d}"
            file.write(f"{text},Ann{n % 97},Smith{n},{n % 300} High Street,Leeds,LS1 {n % 9}AB\n")


async def measured(work: Callable[[], Awaitable[Any]]) -> tuple[Any, float, float]:
    """(result, wall seconds, CPU seconds)."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = await work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


async def refills(store: Store, wall: datetime) -> dict[str, float]:
    walls, cpus = [], []
    for _ in range(REFILLS):
        taken, seconds, cpu = await measured(lambda: store.next_leads(CAMPAIGN, IN_A_REFILL, wall))
        assert len(taken) == IN_A_REFILL, len(taken)
        walls.append(seconds * 1000)
        cpus.append(cpu * 1000)
    return {
        "p50_ms": float(np.percentile(walls, 50)),
        "p95_ms": float(np.percentile(walls, 95)),
        "cpu_p50_ms": float(np.percentile(cpus, 50)),
    }


def put_off(database: Path, share: float, until: datetime) -> None:
    """Have a share of the leads wait until a moment, as after the first day."""
    connection = sqlite3.connect(database)
    connection.execute(
        "UPDATE leads SET state = 'waiting', attempts = 1, not_before = ? "
        "WHERE state IN ('new', 'waiting') AND position % 1000 < ?",
        (until.strftime("%Y-%m-%d %H:%M:%S.%f"), int(share * 1000)),
    )
    connection.commit()
    connection.close()


async def run(leads: int, folder: Path) -> dict[str, Any]:
    path, database = folder / "list.csv", folder / "store.db"
    write_list(path, leads)
    store = await Store.open(f"sqlite:///{database}")
    wall = datetime.now(UTC)
    listed = [f"+447{n:09d}" for n in range(NEVER_DIALLED)]
    vault = store.vault
    never = NeverDialList.hashed_by(vault.never_dial_digest, map(vault.never_dial_digest, listed))

    def show(done: int, whole: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done:,} of {whole:,}", end="", file=sys.stderr)

    def importing() -> Awaitable[Any]:
        return store.import_leads(
            path, CAMPAIGN, country="GB", time_zone="Europe/London", never_dial=never.contains, on_progress=show
        )

    found, import_s, import_cpu_s = await measured(importing)
    assert found.accepted == leads, found
    again, again_s, _ = await measured(importing)
    assert again.duplicates_in_list == leads
    figures: dict[str, Any] = {
        "leads": leads,
        "import_s": import_s,
        "import_cpu_s": import_cpu_s,
        "import_us_per_lead": import_s / leads * 1e6,
        "import_again_s": again_s,
        "store_mb": database.stat().st_size / 1e6,
        "refill_new": await refills(store, wall),
    }
    await asyncio.to_thread(put_off, database, 0.9, wall + timedelta(days=1))
    figures["refill_nine_tenths_waiting"] = await refills(store, wall)
    await asyncio.to_thread(put_off, database, 1.0, wall - timedelta(hours=1))
    figures["refill_all_due"] = await refills(store, wall)
    suppressed = [lead.number async for lead in store.all_leads(CAMPAIGN, persons=True)][::5][: leads // 5]
    for begin in range(0, len(suppressed), 5000):
        await store.suppress_many(suppressed[begin : begin + 5000], reason="bench")
    figures["refill_a_fifth_suppressed"] = await refills(store, wall)
    _, totals_s, _ = await measured(lambda: store.lead_totals(CAMPAIGN))
    figures["totals_ms"] = totals_s * 1000
    with (folder / "out.csv").open("w", newline="") as out:
        count, export_s, _ = await measured(
            lambda: write_leads(store.all_leads(CAMPAIGN, persons=True), out, ["first_name", "last_name"])
        )
    figures |= {"export_s": export_s, "exported": count}
    _, erase_s, _ = await measured(lambda: store.erase_number(suppressed[7], "bench"))
    _, scrub_s, _ = await measured(store.scrub)
    figures |= {"erase_ms": erase_s * 1000, "scrub_ms": scrub_s * 1000}
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    await store.close()
    return figures


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--leads", type=int, default=1_000_000)
    options.add_argument("--folder", type=Path, help="where the store is made; a temporary folder by default")
    told = options.parse_args()
    with tempfile.TemporaryDirectory(dir=told.folder) as folder:
        report(asyncio.run(run(told.leads, Path(folder))), told.json)


if __name__ == "__main__":
    main()
