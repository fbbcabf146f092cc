"""What must hold for any bytes: a message, a session description, a URI. Run under atheris by `fuzz_sip.py`.

Only PeerError may be raised; what was read can be written, and reads back the same; every typed value of a message
that was read can be looked at; and no input takes longer than its length allows.
"""

import time
from dataclasses import replace

from softswitch.errors import PeerError
from softswitch.sdp.negotiate import make_answer, make_offer, read_answer
from softswitch.sdp.session import SessionDescription
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import MalformedRequest, parse
from softswitch.sip.uri import Uri
from softswitch.sip.values import CSeq, NameAddr, Via

LONGEST_S = 0.5
"""Processor time for one input of up to 64 kB; the slowest takes some milliseconds, and a machine may be busy."""

OUR_OFFER = make_offer("192.0.2.1", 4000, session_id=1)
VALUES = (NameAddr, Via, CSeq)


def check_message(data: bytes) -> None:
    try:
        message = parse(data)
    except MalformedRequest as refused:
        answer = bytes(response_to(refused.request, refused.status, to_tag="ours"))
        assert not any(code < 0x20 and code not in b"\t\r\n" for code in answer.partition(b"\r\n\r\n")[0])
        return
    except PeerError:
        return
    written = bytes(message)
    again = parse(written)
    assert again == message
    assert bytes(again) == written
    look_at(message)
    if isinstance(message, Request):
        message.note_source(("198.51.100.7", 40000))
        answered = parse(bytes(response_to(message, 200, to_tag="ours")))
        assert isinstance(answered, Response)
        assert (answered.call_id, answered.cseq) == (message.call_id, message.cseq)
        assert answered.via == message.via


def look_at(message: Request | Response) -> None:
    """Every typed property: none may raise."""
    for kind in type(message).__mro__:
        for name, value in vars(kind).items():
            if isinstance(value, property):
                getattr(message, name)
    for name, _ in message.headers.items():
        message.headers.get_all(name)


def check_session(data: bytes) -> None:
    try:
        session = SessionDescription.parse(data)
    except PeerError as error:
        assert error.status == 488
    else:
        again = SessionDescription.parse(bytes(session))
        assert bytes(again) == bytes(session)  # an origin that was unreadable is written as a readable one
        assert replace(again, origin=None) == replace(session, origin=None)
    for negotiate in (lambda: make_answer(data, "192.0.2.1", 4000, session_id=1), lambda: read_answer(OUR_OFFER, data)):
        try:
            negotiate()
        except PeerError as error:
            assert error.status == 488


def check_uri(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    try:
        uri = Uri.parse(text)
    except PeerError:
        pass
    else:
        again = Uri.parse(str(uri))
        assert again == uri
        assert str(again) == str(uri)
        assert hash(again) == hash(uri)
        _ = uri.decoded_user, uri.address
    for kind in VALUES:
        try:
            value = kind.parse(text)
        except PeerError:
            continue
        if "\r" not in text and "\n" not in text:
            assert kind.parse(str(value)) == value


CHECKS = {b"m": check_message, b"s": check_session, b"u": check_uri}


def check(data: bytes) -> None:
    """The first byte says what the others are; any other first byte, a message."""
    began = time.process_time()
    CHECKS.get(data[:1], check_message)(data[1:] if data[:1] in CHECKS else data)
    spent = time.process_time() - began
    assert spent < LONGEST_S, f"{len(data)} bytes took {spent:.3f} s"
