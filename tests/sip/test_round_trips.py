"""What is written reads back the same: messages, addresses and Vias of every legal oddity, made by chance."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.errors import PeerError
from softswitch.sip.headers import COMPACT, LISTS, Headers
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.uri import Uri
from softswitch.sip.values import MAX_CSEQ, CSeq, NameAddr, Via

patient = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))

tokens = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~]{1,16}", fullmatch=True)
names = st.from_regex(r"[a-z0-9\-.!%*_+`'~]{1,10}", fullmatch=True)
hosts = (
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z][a-z0-9]{0,5}){0,2}", fullmatch=True)
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(lambda address: f"[{address}]")
)
ports = st.none() | st.integers(1, 65535)
printable = st.text(st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["C", "Zl", "Zp"]))
quoted = printable.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
params = st.dictionaries(names, st.none() | tokens | quoted | hosts, max_size=4)
uri_params = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.none() | st.from_regex(r"[A-Za-z0-9.+*_~-]{1,8}", fullmatch=True),
    max_size=3,
)  # fmt: skip
uris = st.builds(
    Uri,
    scheme=st.sampled_from(["sip", "sips"]),
    user=st.from_regex(r"[A-Za-z0-9+_.;?/&=$,!~*'()-]{0,12}", fullmatch=True),
    host=hosts,
    port=ports,
    params=uri_params,
    headers=st.just(""),
    password=st.none(),
    opaque=st.just(""),
) | st.builds(
    Uri, scheme=st.just("tel"), user=st.from_regex(r"\+[0-9]{3,15}", fullmatch=True), host=st.just(""),
    port=st.none(), params=uri_params, headers=st.just(""), password=st.none(), opaque=st.just(""),
)  # fmt: skip
addresses = st.builds(NameAddr, uri=uris, display=printable.map(str.strip), params=params)
transports = st.sampled_from(["UDP", "TCP", "TLS", "WS", "WSS", "SCTP", "UNKNOWN-1"])
vias = st.builds(Via, transport=transports, host=hosts, port=ports, params=params)
methods = st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "NOTIFY"]) | tokens
call_ids = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}]{1,24}(@[A-Za-z0-9.]{1,12})?", fullmatch=True)
values = printable.map(str.strip)
KNOWN = {"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "Route", "Record-Route", "Content-Length"}
extensions = st.lists(
    st.tuples(
        (names | st.sampled_from(sorted((LISTS | {"Subject", "Server", "Expires", "Date", "Warning"}) - KNOWN))).filter(
            lambda name: name not in COMPACT and name.title() not in KNOWN
        ),
        values,
    ),
    max_size=5,
)


@st.composite
def headers(draw: st.DrawFn, method: str) -> Headers:
    made = Headers()
    for via in draw(st.lists(vias, min_size=1, max_size=4)):
        made.add("Via", via)
    made.add("From", draw(addresses))
    made.add("To", draw(addresses))
    made.add("Call-ID", draw(call_ids))
    made.add("CSeq", CSeq(draw(st.integers(0, MAX_CSEQ)), method))
    if draw(st.booleans()):
        made.add("Max-Forwards", draw(st.integers(0, 255)))
    for name in ("Contact", "Route", "Record-Route"):
        found = draw(st.lists(addresses, max_size=3))
        if draw(st.booleans()):
            for address in found:
                made.add(name, address)
        elif found:
            made.add(name, ", ".join(map(str, found)))
    for name, value in draw(extensions):
        made.add(name, value)
    return made


@st.composite
def requests(draw: st.DrawFn) -> Request:
    method = draw(methods)
    return Request(method, draw(uris), draw(headers(method)), draw(st.binary(max_size=200)))


@st.composite
def responses(draw: st.DrawFn) -> Response:
    made = draw(headers(draw(methods)))
    return Response(draw(st.integers(100, 699)), draw(values), made, draw(st.binary(max_size=200)))


@patient
@given(requests() | responses())
def test_every_message_reads_back_as_it_was_written(message: Request | Response) -> None:
    again = parse(bytes(message))
    assert again == message
    assert bytes(again) == bytes(message)
    assert (again.vias, again.from_, again.to) == (message.vias, message.from_, message.to)
    assert (again.cseq, again.call_id, again.max_forwards) == (message.cseq, message.call_id, message.max_forwards)
    assert (again.contacts, again.routes, again.record_routes) == (
        message.contacts, message.routes, message.record_routes)  # fmt: skip


def oddly(data: bytes, draw: st.DrawFn) -> bytes:
    """The same message in other legal words: folded lines, compact names, any case, blanks around the colon."""
    head, end, body = data.partition(b"\r\n\r\n")
    start, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    compact = {name: short for short, name in COMPACT.items()}
    odd = [start]
    for line in lines:
        name, _, value = line.partition(":")
        if name in compact and draw(st.booleans()):
            name = compact[name]
        name = draw(st.sampled_from([name, name.lower(), name.upper()]))
        colon = draw(st.sampled_from([":", ": ", " : ", "\t:\t", ":\r\n ", ": \r\n\t"]))
        odd.append(f"{name}{colon}{value.strip()}{draw(st.sampled_from(['', ' ']))}")
    return "\r\n".join(odd).encode("utf-8", "surrogateescape") + end + body


@patient
@given(st.data())
def test_a_message_in_other_legal_words_is_the_same_message(data: st.DataObject) -> None:
    message = data.draw(requests() | responses())
    assert parse(oddly(bytes(message), data.draw)) == message


@patient
@given(addresses)
def test_every_address_reads_back_as_it_was_written(address: NameAddr) -> None:
    again = NameAddr.parse(str(address))
    assert again == address
    assert str(again) == str(address)


@patient
@given(vias)
def test_every_via_reads_back_as_it_was_written(via: Via) -> None:
    again = Via.parse(str(via))
    assert again == via
    assert str(again) == str(via)


@patient
@given(st.text(max_size=80))
def test_whatever_value_can_be_read_can_be_written_and_read_again(text: str) -> None:
    for kind in (NameAddr, Via, CSeq, Uri):
        try:
            value = kind.parse(text)
        except PeerError:
            continue
        assert kind.parse(str(value)) == value
