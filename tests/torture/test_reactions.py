"""Every torture message to the switch on a virtual network: it reacts as the RFC says, and carries on."""

import pytest

from tests.torture.ground import status_of
from tests.torture.reactions import RFC_4475, RFC_5118, Reaction
from tests.torture.vectors import names, needs_vectors, torture, wire
from tests.torture.virtual import CARRIER, VirtualSwitch, see

pytestmark = needs_vectors


def check(reaction: Reaction, answers: list[bytes], offers: int) -> None:
    assert len(answers) == bool(reaction.statuses), answers
    assert offers == reaction.offered
    for answer in answers:
        assert status_of(answer) in reaction.statuses
        headers = answer.decode("utf-8", "surrogateescape").split("\r\n")
        assert all(";" in line and "tag" in line for line in headers if line.startswith("To:"))
        assert all(any(header.startswith(line) for header in headers) for line in reaction.says), headers


def test_no_message_of_the_rfcs_is_left_out() -> None:
    assert {*names("rfc4475")} == {*RFC_4475}
    assert {*names("rfc5118")} == {*RFC_5118}
    assert (len(RFC_4475), len(RFC_5118)) == (50, 12)  # 49 messages of RFC 4475, and one that only its archive has


@pytest.mark.parametrize("name", RFC_4475)
def test_the_switch_reacts_as_rfc_4475_says(name: str) -> None:
    seen = see(torture(name))
    check(RFC_4475[name], seen.answers, len(seen.offered))
    assert seen.alive
    assert seen.idle


@pytest.mark.parametrize("name", RFC_5118)
def test_the_switch_reacts_as_rfc_5118_says(name: str) -> None:
    seen = see(wire(name))
    check(RFC_5118[name], seen.answers, len(seen.offered))
    assert seen.alive
    assert seen.idle


def test_all_of_them_in_a_row_leave_nothing_behind() -> None:
    switch = VirtualSwitch()
    for data in [*map(torture, RFC_4475), *map(wire, RFC_5118)]:
        switch.receive(data)
    assert switch.is_alive
    assert switch.wind_down()


def test_an_answer_goes_nowhere_but_to_the_sender() -> None:
    switch = VirtualSwitch()
    for data in [*map(torture, RFC_4475), *map(wire, RFC_5118)]:
        switch.receive(data)
    assert {destination.host for _, destination in switch.sent} == {CARRIER.host}
