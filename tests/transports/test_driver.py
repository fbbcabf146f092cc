"""The driver: drain after each mutation, one timer for all machines, and no fault that stops it."""

import asyncio
from collections import deque
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Address, Datagram
from softswitch.transports.driver import Driver

SOMEWHERE = Hop("192.0.2.9", 5060)


class Echo:
    """A machine that sends back what it hears and tells it, chimes at set times, and breaks on demand."""

    def __init__(self) -> None:
        self.events: deque[str] = deque()
        self.datagrams: list[Datagram] = []
        self.chimes: list[float] = []

    def receive_datagram(self, data: bytes, source: Address, now: float) -> None:
        if data == b"break":
            raise ValueError("+447700900123 broke it")
        self.datagrams.append(Datagram(data, source))
        self.events.append(data.decode())

    def handle_timer(self, now: float) -> None:
        while self.chimes and self.chimes[0] <= now:
            self.chimes.pop(0)
            self.events.append("chime")

    def next_timer(self) -> float | None:
        return self.chimes[0] if self.chimes else None

    def data_to_send(self) -> list[Datagram]:
        datagrams, self.datagrams = self.datagrams, []
        return datagrams

    def next_event(self) -> str | None:
        return self.events.popleft() if self.events else None


def drive(scenario: Callable[[Driver, Echo, list[str], list[Datagram]], "asyncio.Future[None] | None"]) -> Driver:
    async def run() -> Driver:
        driver, machine = Driver(), Echo()
        heard: list[str] = []
        sent: list[Datagram] = []
        driver.add(machine, on_event=heard.append, send=sent.append)
        waiting = scenario(driver, machine, heard, sent)
        if waiting is not None:
            await waiting
        driver.close()
        return driver

    return asyncio.run(run())


def test_what_a_mutation_leaves_behind_is_out_before_the_block_is_left() -> None:
    def scenario(driver: Driver, machine: Echo, heard: list[str], sent: list[Datagram]) -> None:
        with driver.mutating(machine) as now:
            machine.receive_datagram(b"hello", SOMEWHERE, now)
        assert heard == ["hello"]
        assert sent == [Datagram(b"hello", SOMEWHERE)]

    drive(scenario)


def test_a_handler_may_mutate_the_machine_whose_event_it_handles() -> None:
    async def run() -> list[str]:
        driver, machine = Driver(), Echo()
        heard: list[str] = []

        def answer(event: str) -> None:
            heard.append(event)
            if event == "ping":
                with driver.mutating(machine) as now:
                    machine.receive_datagram(b"pong", SOMEWHERE, now)

        driver.add(machine, on_event=answer)
        driver.receive_datagram(machine, b"ping", SOMEWHERE)
        driver.close()
        return heard

    assert asyncio.run(run()) == ["ping", "pong"]


def test_deadlines_of_all_machines_are_kept_by_one_timer() -> None:
    async def run() -> list[str]:
        driver = Driver()
        heard: list[str] = []
        done = asyncio.get_running_loop().create_future()
        for name, pause in (("second", 0.02), ("first", 0.01), ("third", 0.03)):
            machine = Echo()

            def tell(_: str, name: str = name) -> None:
                heard.append(name)
                if len(heard) == 3:
                    done.set_result(None)

            driver.add(machine, on_event=tell)
            with driver.mutating(machine) as now:
                machine.chimes.append(now + pause)
        await asyncio.wait_for(done, 120)
        driver.close()
        return heard

    assert asyncio.run(run()) == ["first", "second", "third"]


def test_a_fault_over_a_datagram_is_counted_and_logged_without_a_byte_of_it() -> None:
    def scenario(driver: Driver, machine: Echo, heard: list[str], sent: list[Datagram]) -> None:
        driver.receive_datagram(machine, b"break", SOMEWHERE)
        driver.receive_datagram(machine, b"still here", SOMEWHERE)
        assert heard == ["still here"]

    with capture_logs() as logs:
        driver = drive(scenario)
    assert driver.faults == 1
    assert logs[0]["error"] == "ValueError"
    assert "447700900123" not in str(logs)


def test_a_handler_that_raises_does_not_keep_later_events_back() -> None:
    async def run() -> tuple[list[str], int]:
        driver, machine = Driver(), Echo()
        heard: list[str] = []

        def handle(event: str) -> None:
            if event == "bad":
                raise RuntimeError(event)
            heard.append(event)

        driver.add(machine, on_event=handle)
        with driver.mutating(machine):
            machine.events.extend(["bad", "good"])
        driver.close()
        return heard, driver.faults

    with capture_logs():
        assert asyncio.run(run()) == (["good"], 1)


def test_a_timer_that_raises_does_not_spin_the_loop() -> None:
    class Stuck(Echo):
        calls = 0

        def handle_timer(self, now: float) -> None:
            self.calls += 1
            raise RuntimeError

    async def run() -> int:
        driver, machine = Driver(), Stuck()
        driver.add(machine, on_event=lambda event: None)
        with driver.mutating(machine) as now:
            machine.chimes.append(now)
        for _ in range(200):
            await asyncio.sleep(0)
        driver.close()
        return machine.calls

    with capture_logs():
        assert asyncio.run(run()) <= 2


def test_a_removed_machine_is_left_alone() -> None:
    def scenario(driver: Driver, machine: Echo, heard: list[str], sent: list[Datagram]) -> None:
        driver.remove(machine)
        with driver.mutating(machine) as now:
            machine.receive_datagram(b"hello", SOMEWHERE, now)
        assert heard == []
        assert sent == []

    drive(scenario)


def test_a_block_that_raises_is_drained_all_the_same() -> None:
    def scenario(driver: Driver, machine: Echo, heard: list[str], sent: list[Datagram]) -> None:
        with pytest.raises(KeyError), driver.mutating(machine):
            machine.events.append("said before")
            raise KeyError
        assert heard == ["said before"]

    drive(scenario)
