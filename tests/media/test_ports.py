"""Ports: bound before they are handed out, used in turn, given back."""

import asyncio
import socket

import pytest

from softswitch.errors import UsageError
from tests.ports import lend_ports


def hold(*ports):
    held = []
    for port in ports:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("127.0.0.1", port))
        held.append(one)
    return held


def release(held):
    for one in held:
        one.close()


def test_ports_that_other_programs_hold_are_passed_over(run):
    first = lend_ports()
    held = hold(first, first + 5)  # an RTP port, and the RTCP port of the third leg

    async def scenario(studio):
        ports = {studio.plane.port_of(studio.plane.open_leg()) for _ in range(8)}
        assert ports == {first + 2 * slot for slot in range(10)} - {first, first + 4}
        with pytest.raises(UsageError, match="widen"):
            studio.plane.open_leg()

    try:
        run(scenario, first_port=first, last_port=first + 19)
    finally:
        release(held)


def test_every_port_busy_is_said_and_the_plane_stays_up(run):
    first = lend_ports()
    held = hold(first, first + 2)

    async def scenario(studio):
        with pytest.raises(UsageError, match=f"{first} to {first + 3}"):
            studio.plane.open_leg()

    try:
        run(scenario, first_port=first, last_port=first + 3)
    finally:
        release(held)


def test_a_port_handed_out_is_ours_already(run):
    async def scenario(studio):
        port = studio.plane.port_of(studio.plane.open_leg())
        for one in (port, port + 1):
            with pytest.raises(OSError, match="in use"):
                hold(one)

    run(scenario)


def test_more_legs_than_the_stock_holds_are_opened_at_once(run):
    async def scenario(studio):
        legs = [studio.plane.open_leg() for _ in range(100)]
        assert len({studio.plane.port_of(leg) for leg in legs}) == 100
        with pytest.raises(UsageError):
            studio.plane.open_leg()
        for leg in legs:
            studio.plane.close_leg(leg)
        await asyncio.sleep(0.05)
        again = [studio.plane.open_leg() for _ in range(100)]
        assert set(again).isdisjoint(legs)

    run(scenario)


def test_a_closed_leg_is_refused_and_its_port_rests_as_long_as_it_can(run):
    async def scenario(studio):
        leg = studio.plane.open_leg()
        port = studio.plane.port_of(leg)
        studio.plane.close_leg(leg)
        studio.plane.close_leg(leg)
        with pytest.raises(UsageError, match="not open"):
            studio.plane.port_of(leg)
        await asyncio.sleep(0.05)
        assert port not in {studio.plane.port_of(studio.plane.open_leg()) for _ in range(50)}

    run(scenario)


def test_a_leg_closed_in_a_bridge_leaves_the_other_leg_alive(run):
    async def scenario(studio):
        a, b = studio.bridged()
        studio.plane.close_leg(a.leg)
        b.send(b"\x01" * 160)
        await studio.until(lambda: studio.plane.statistics(b.leg).packets_received == 1)
        c = studio.end()
        studio.plane.bridge(b.leg, c.leg)
        await asyncio.sleep(0.01)
        b.send(b"\x02" * 160)
        await studio.until(lambda: c.packets)
        assert c.packets[0].payload == b"\x02" * 160

    run(scenario)
