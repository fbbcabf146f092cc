"""The canary proof: 500 marked leads go through a whole shift, and no mark is found where it may not be."""

import re
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from softswitch.testing.canaries import Canaries
from tests.safeguards.canary_shift import AGENTS, NOSY, WATCHED, Evidence, Shift
from tests.safeguards.marked_leads import TOPIC, marked_leads
from tests.safeguards.marked_packets import marked_source
from tests.safeguards.nosy_people import SOMEBODY

LEADS = 500
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    root: Path = tmp_path_factory.mktemp("canaries")
    return uvloop.run(Shift(root, marked_leads(LEADS)).work())


@pytest.fixture(scope="module")
def search(evidence: Evidence) -> Canaries:
    return Canaries(lead.canary for lead in evidence.leads)


def seen(search: Canaries, places: dict[str, bytes]) -> list[str]:
    return [f"{place}: {sighting}" for place, data in places.items() for sighting in search.sightings(data)]


def test_the_shift_had_everything_in_it(evidence: Evidence) -> None:
    numbers = {lead.number for lead in evidence.leads}
    assert evidence.invited <= numbers
    assert evidence.invited | evidence.cut_off == numbers
    assert len(evidence.invited) > 0.9 * LEADS
    outcomes = Counter(attempt.outcome for attempt in evidence.attempts)
    dispositions = Counter(attempt.disposition for attempt in evidence.attempts)
    assert {"busy", "answered", "refused", "failed"} <= set(outcomes), outcomes
    assert sum(attempt.bridged_at is not None for attempt in evidence.attempts) > 20, (outcomes, dispositions)
    assert any(attempt.abandoned for attempt in evidence.attempts), (outcomes, dispositions)
    assert any(attempt.amd_verdict == "MACHINE" for attempt in evidence.attempts)
    transfers = {status for method, status in evidence.answers if method == "REFER"}
    assert transfers
    assert all(status >= 400 for status in transfers)
    assert ("INFO", 200) in evidence.answers, "its digits were heard, and went nowhere"
    assert "calls of a killed process taken up" in evidence.log
    (callback,) = evidence.callbacks
    to_the_callee = [attempt for attempt in evidence.attempts if attempt.lead_ref == callback.lead_ref]
    assert [attempt.call_ref for attempt in to_the_callee][-1] == callback.call_ref
    assert len(to_the_callee) > 1


def test_the_carrier_said_every_number_in_every_way_and_the_search_sees_it(
    evidence: Evidence, search: Canaries
) -> None:
    told = search.sightings(evidence.carrier_said)
    assert {sighting.canary.number for sighting in told} == evidence.invited
    assert {sighting.within for sighting in told} >= {"", "base64", "hex"}
    assert {sighting.what for sighting in told} >= {"digits", "digits split over fields"}


def test_nothing_that_reached_an_agent_tells_whom_a_call_is_with(evidence: Evidence, search: Canaries) -> None:
    pages = {"browsers of agents", "live page of an agent"}
    assert set(evidence.agents_side) == {*(f"phone of {agent}" for agent in AGENTS), *pages}
    assert all(len(data) > 10_000 for data in evidence.agents_side.values())
    assert all(TOPIC.encode() in evidence.agents_side[page] for page in pages), "what the campaign lists is shown"
    assert seen(search, evidence.agents_side) == []


def test_sound_comes_to_agents_in_packets_of_our_own(evidence: Evidence) -> None:
    """No telephone event, no source, contributing source or header extension of the carrier's; reports of our own."""
    marked = {marked_source(lead.number) for lead in evidence.leads}
    seen_of = {"sound": 0, "reports": 0}
    for agent in AGENTS:
        for packet in packets_of(evidence.agents_side[f"phone of {agent}"]):
            if packet[0] >> 6 != 2:  # SIP is text
                continue
            is_report = 200 <= packet[1] <= 204
            seen_of["reports" if is_report else "sound"] += 1
            assert is_report or (packet[0] == 0x80 and packet[1] & 0x7F in (0, 8)), packet[:24]
            words = struct.unpack_from(f"!{len(packet) // 4}I", packet)
            assert marked.isdisjoint(words[1:] if is_report else words[2:3])
    assert seen_of["sound"] > 10_000
    assert seen_of["reports"] > 10


def packets_of(capture: bytes) -> Iterator[bytes]:
    """What UDP carried, packet by packet."""
    at = 24
    while at < len(capture):
        (kept,) = struct.unpack_from("=I", capture, at + 8)
        yield capture[at + 16 + 28 : at + 16 + kept]
        at += 16 + kept


def test_nothing_that_reached_an_administrators_browser_does_without_a_reason(
    evidence: Evidence, search: Canaries
) -> None:
    page = evidence.watchers_side["browsers of administrators"]
    assert b"softswitch_calls" in page
    assert b'"label":"INVITE"' in page
    shown = evidence.watchers_side["wallboard"]
    assert sum(attempt.call_ref.encode() in shown for attempt in evidence.attempts) > 20
    assert seen(search, evidence.watchers_side) == []


def test_what_a_capture_server_is_told_holds_no_mark(evidence: Evidence, search: Canaries) -> None:
    assert evidence.homer.count(b"HEP3") > LEADS
    assert seen(search, {"homer": evidence.homer}) == []


def test_no_file_name_and_no_process_list_holds_a_mark(evidence: Evidence, search: Canaries) -> None:
    assert b".ssr" in evidence.names
    assert seen(search, {"names": evidence.names}) == []


def test_the_media_process_is_told_of_no_mark(evidence: Evidence) -> None:
    assert len(evidence.media_memory) > 100_000
    numbers = {lead.number[3:].encode() for lead in evidence.leads}
    assert numbers.isdisjoint(re.findall(rb"(?<=\+44)\d{9,10}|(?<=\b0)\d{9,10}", evidence.media_memory))


def test_a_thief_of_the_disk_reads_nothing(evidence: Evidence, search: Canaries) -> None:
    """Store, write-ahead log and freed pages, journals, logs, recordings, what lay about as a process was killed."""
    names = {name.partition(",")[0].rpartition("/")[2] for name in evidence.files}
    assert {"softswitch.db", "softswitch.db-wal", "switch.log", "site.toml"} <= names
    assert sum(name.endswith(".ssr") for name in names) > 20
    assert seen(search, evidence.files) == []


def test_no_key_is_in_a_process_list_or_a_log(evidence: Evidence) -> None:
    for place in (evidence.names, evidence.log.encode()):
        assert [secret for secret in evidence.secrets if secret in place] == []


def test_an_agents_phone_that_asks_for_everything_gets_nobody_called(evidence: Evidence) -> None:
    assert SOMEBODY not in evidence.invited
    answered = evidence.agents_side[f"phone of {NOSY}"]
    assert answered.count(b"SIP/2.0 4") > 50
    for agent in AGENTS:  # their one call is the log-in, which they placed
        assert b"INVITE sip:" not in evidence.agents_side[f"phone of {agent}"]


def test_an_agents_browser_got_in_nowhere_but_where_its_own_work_is(evidence: Evidence) -> None:
    """It asked for every path of the API in another agent's name, for pages, metrics and traces."""
    open_ = {path for (method, path), status in evidence.statuses.items() if method == "GET" and status == 200}
    own = {path for path in open_ if path == "/agent" or path.startswith(f"/api/agents/{WATCHED}/")}
    assert open_ - own <= {"/", "/login", "/healthz", "/favicon.ico", "/api/session", "/api/openapi.json"}
    assert own
