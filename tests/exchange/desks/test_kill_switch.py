"""The kill switch reaches everybody, whatever is broken of one. (How soon, by ear: scenarios/test_interlocks.py.)"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from softswitch.errors import SoftswitchError
from softswitch.exchange.desks.desk import Desk

STEPS = ["mute 101", "mute 102", "kill a", "kill b", "kill inbound", "end test call"]


def site_where(broken: str, done: list[str]) -> Any:
    """A site on which this step fails; `done` tells of every step that was tried."""

    def step(name: str) -> None:
        done.append(name)
        if name == broken:
            raise SoftswitchError("the media process no longer takes commands")

    @contextmanager
    def mutating() -> Iterator[float]:
        yield 7.0
        done.append("settled")

    return SimpleNamespace(
        settings=SimpleNamespace(prompts={}, agents=[SimpleNamespace(id="101"), SimpleNamespace(id="102")]),
        agents=SimpleNamespace(mute=lambda agent: step(f"mute {agent}")),
        diallers=[SimpleNamespace(kill=lambda now, clip, name=name: step(f"kill {name}")) for name in ("a", "b")],
        inbound=SimpleNamespace(kill=lambda clip, now: step("kill inbound")),
        trials=SimpleNamespace(end=lambda: step("end test call")),
        campaigns={"a": None, "b": None},
        records=SimpleNamespace(keep_order=lambda name, order: done.append(f"{name} {order}")),
        mutating=mutating,
    )


@pytest.mark.parametrize("broken", ["", *STEPS])
def test_a_part_that_fails_keeps_no_other_from_being_done(broken: str) -> None:
    done: list[str] = []
    asyncio.run(Desk.kill_switch(SimpleNamespace(_site=site_where(broken, done)), "sue"))  # type: ignore[arg-type]
    assert done == [*STEPS, "settled", "a stopped", "b stopped"]
