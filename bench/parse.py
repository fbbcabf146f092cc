"""What does one INVITE cost to parse, with all that routing reads of it? Microseconds of CPU.

    python bench/parse.py --rounds 40 --json -

Four answers, from slices that take turns, so that whoever else uses the machine disturbs all of them alike:
warm (the same datagram again, as a retransmission), new_call (a peer known already, another number, Call-ID, tag and
branch), cold (nothing in it was ever seen) and hand_split (the same facts of the new calls by `str.partition` alone,
unchecked and untyped: what no parser in Python can be expected to beat). For each the best slice and the median one.
"""

import time
from collections.abc import Callable
from statistics import median

from figures import parser, report

from softswitch.sip.message import Request
from softswitch.sip.parser import parse

SLICE = 500  # messages; some ten milliseconds

SDP = """v=0
o=carrier 2890844526 1 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
m=audio 40000 RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
""".replace("\n", "\r\n")


def make_invite(call: int, peer: int = 0) -> bytes:
    """An INVITE of some 850 bytes, as a carrier sends it."""
    host, number, caller = f"sbc{peer}.carrier.example", f"+44207946{call:06d}", f"+44161496{peer:04d}"
    head = f"""INVITE sip:{number}@{host} SIP/2.0
Via: SIP/2.0/UDP {host}:5060;branch=z9hG4bK{call:020x};rport
Max-Forwards: 70
From: "Research" <sip:{caller}@{host}>;tag={call:012x}
To: <sip:{number}@{host}>
Call-ID: {call:032x}@{host}
CSeq: {1 + peer} INVITE
Contact: <sip:{caller}@{host}:5060>
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE
Supported: replaces, timer
User-Agent: carrier 7.2
Content-Type: application/sdp
Content-Length: {len(SDP)}

""".replace("\n", "\r\n")
    return (head + SDP).encode()


def parse_and_route(data: bytes) -> object:
    """Parse, and read what the transaction layer, the reception and the leg read of an INVITE."""
    request = parse(data)
    assert isinstance(request, Request)
    via = request.via
    return (
        request.uri.user, via.branch, via.host, via.port, request.from_tag, request.from_.uri.user, request.to_tag,
        request.call_id, request.cseq.number, request.max_forwards, request.contacts[0].uri, request.record_routes,
        request.content_type, request.body,
    )  # fmt: skip


def split_by_hand(data: bytes) -> object:
    """The same facts with nothing checked and nothing typed."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    via, _, via_params = headers["via"][0].partition(";")
    branch = via_params.partition("branch=")[2].partition(";")[0]
    host, _, port = via.rpartition(" ")[2].partition(":")
    caller, _, tag = headers["from"][0].partition(";tag=")
    return (
        _user(lines[0]), branch, host, port, tag, _user(caller), headers["to"][0].partition(";tag=")[2],
        headers["call-id"][0], headers["cseq"][0].partition(" ")[0], headers["max-forwards"][0],
        headers["contact"][0], headers.get("record-route"), headers["content-type"][0], body,
    )  # fmt: skip


def _user(text: str) -> str:
    return text.partition("sip:")[2].partition("@")[0]


def measure(rounds: int) -> dict[str, float | int]:
    known = make_invite(0)
    taken: dict[str, list[float]] = {"warm": [], "new_call": [], "cold": [], "hand_split": []}
    for turn in range(rounds):
        serials = range(1 + turn * SLICE, 1 + (turn + 1) * SLICE)
        new_calls = [make_invite(serial) for serial in serials]
        strangers = [make_invite(500_000 + serial, peer=serial) for serial in serials]
        taken["hand_split"].append(_time(split_by_hand, new_calls))
        taken["warm"].append(_time(parse_and_route, [known] * SLICE))
        taken["new_call"].append(_time(parse_and_route, new_calls))
        taken["cold"].append(_time(parse_and_route, strangers))
    figures: dict[str, float | int] = {"bytes": len(known), "rounds": rounds}
    for name, slices in taken.items():
        figures[f"{name}_us_best"] = round(min(slices), 2)
        figures[f"{name}_us_median"] = round(median(slices), 2)
    return figures


def _time(read: Callable[[bytes], object], messages: list[bytes]) -> float:
    """Microseconds of CPU a message."""
    started = time.process_time()
    for data in messages:
        read(data)
    return (time.process_time() - started) / len(messages) * 1e6


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=40)
    chosen = options.parse_args()
    report(measure(chosen.rounds), chosen.json)
