"""A carrier that says the callee's number wherever a carrier can say anything: headers, reason phrases, tags, bodies,
SDP, digits, RTP headers, RTCP; that calls in with it, and asks for transfers to it."""

import asyncio
import base64
import json
import re
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.testing.callee import Callee, CalleePlan
from softswitch.testing.marker import AGENT_MARKERS_HZ, MarkerEar
from softswitch.testing.rtp import RtpEnd
from softswitch.testing.station import Conversation, Station
from softswitch.testing.trunk import Trunk, TrunkCall
from tests.safeguards.marked_packets import marked_rtcp, marked_rtp, marked_source

_NUMBER = re.compile(rb"sip:(\+44\d{9,10})@")
_STATUS_LINE = re.compile(rb"SIP/2\.0 (\d{3}) [^\r\n]*")
_ANSWERED = re.compile(rb"SIP/2\.0 ([2-6]\d\d) ")
_METHOD = re.compile(rb"\r\nCSeq: *\d+ +([A-Z]+)")
_CONTACT_USER = re.compile(rb"(\r\nContact: <sip:)[^@>]*@")
_TO_NAME = re.compile(rb"(\r\nTo: )<")
_LENGTH = re.compile(rb"\r\nContent-Length: *\d+")
WHISPER_S = 0.25
RUDE_AFTER = 2
"""Whispers after which a rude call's requests are sent."""


def told_headers(number: str) -> bytes:
    """Everything in which RFCs and habit let a carrier name who is called."""
    bare, national = number[1:], f"0{number[3:]}"
    spaced = f"{number[:3]} {number[3:5]} {number[5:9]} {number[9:]}"
    payload = {"attest": "A", "dest": {"tn": [bare]}, "iat": 1, "orig": {"tn": bare}}
    claims = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return "".join(
        f"\r\n{line}"
        for line in (
            f'P-Asserted-Identity: "{spaced}" <sip:{number}@carrier>, <tel:{number}>',
            f"P-Preferred-Identity: <tel:{number}>",
            f"P-Called-Party-ID: <sip:{bare}@carrier>",
            f"P-Charging-Vector: icid-value={bare};orig-ioi={national}",
            f'Remote-Party-ID: "{national}" <sip:{number}@carrier>;party=called',
            f"Diversion: <sip:{number}@carrier>;reason=unconditional",
            f"History-Info: <sip:{number}@carrier>;index=1, <sip:00{bare}@carrier>;index=1.1",
            f"Identity: e30.{claims}.c2ln;info=<https://carrier/{national}.pem>;alg=ES256;ppt=shaken",
            f"Call-Info: <https://carrier/{bare}.png>;purpose=icon",
            f"Alert-Info: <http://carrier/{national}>",
            f"Subject: call to {spaced}",
            f"Organization: {spaced}",
            f'Warning: 399 carrier "{spaced} rings"',
            f'Reason: Q.850;cause=16;text="{national}"',
            f"User-to-User: {bare.encode().hex()};encoding=hex",
            f"Geolocation: <sip:{number}@carrier>",
            f"Session-ID: {bare.encode().hex():0<32}"[:44],
            f"X-Number: {number}",
            f"X-Area: {national[:4]}",
            f"X-Rest: {national[4:]}",
            f"X-Base64: {base64.b64encode(number.encode()).decode()}",
            f"X-{bare}: yes",
        )
    ).encode()


def told_sdp(sdp: bytes, number: str) -> bytes:
    """The same media, described with the number in every line that is free to say something."""
    bare = number[1:]
    lines = []
    for line in sdp.decode().splitlines():
        if line.startswith("o="):
            lines.append(re.sub(r"^o=\S+ \d+", f"o={bare} {bare}", line))
        elif line.startswith("s="):
            lines += [f"s={number}", f"i={number}", f"u=http://carrier/{bare}", f"e={bare}@carrier", f"p={number}"]
        else:
            lines.append(line)
    lines += [f"i={number}", f"a=ssrc:{int(number[3:]) & 0xFFFFFFFF} cname:{number}", f"a=label:{bare}"]
    lines += [f"a=x-number:{number}", f"a=note:{number}", f"a=msid:{bare} 0{number[3:]}"]
    return "".join(f"{line}\r\n" for line in lines).encode()


class HostileStation(Station):
    """numbers: those that it may tell, besides the one that a message is about."""

    def __init__(self, on_event: Any, received: Any, numbers: Collection[str]) -> None:
        super().__init__(on_event, received)
        self._numbers = tuple(numbers)
        self.dialogs: dict[str, tuple[Request, Response]] = {}
        """INVITE and 200 of each answered call by Call-ID."""
        self.invites: dict[str, Request] = {}
        self.said: list[bytes] = []
        """Everything that was sent."""

    def new_token(self) -> str:
        return f"{secrets.choice(self._numbers)[1:]}.{secrets.token_hex(8)}"

    def send(self, datagram: Datagram) -> None:
        data = self._told(datagram.data)
        if data.startswith(b"SIP/2.0 200") and b" INVITE\r\n" in data:
            response = parse(data)
            invite = self.invites.get(response.call_id)
            if invite is not None and isinstance(response, Response):
                self.dialogs[response.call_id] = invite, response
        self.said.append(data)
        super().send(datagram._replace(data=data))

    def _told(self, data: bytes) -> bytes:
        head, blank, body = data.partition(b"\r\n\r\n")
        named = [found for found in _NUMBER.findall(head) if found.decode() in self._numbers]
        if not named or head.startswith(b"REGISTER "):
            return data
        number = named[0].decode()
        if status := _STATUS_LINE.match(head):
            head = b"SIP/2.0 %s %s says no or yes%s" % (status[1], named[0], head[status.end() :])
        head = _CONTACT_USER.sub(rb"\g<1>%s@" % named[0], head)
        head = _TO_NAME.sub(rb'\g<1>"%s" <' % named[0], head)
        head += told_headers(number)
        if b"application/sdp" in head:
            body = told_sdp(body, number)
        elif not body and head.startswith((b"SIP/2.0 4", b"SIP/2.0 6")):
            body = f"nobody at {number}".encode()
            head += b"\r\nContent-Type: text/plain"
        return _LENGTH.sub(b"", head) + b"\r\nContent-Length: %d" % len(body) + blank + body

    def be_rude(self, call_id: str, number: str, destination: Hop) -> None:
        """In an answered call: every request that a peer can send, and at last the BYE."""
        invite, answer = self.dialogs[call_id]
        bare = number[1:]
        requests: list[tuple[str, Mapping[str, str], str]] = [
            ("INFO", {"Content-Type": "application/dtmf-relay"}, f"Signal={digit}\r\nDuration=160\r\n")
            for digit in bare
        ]
        requests += [
            ("INFO", {"Content-Type": "application/dtmf"}, bare),
            ("INFO", {"Content-Type": "text/plain", "Info-Package": bare}, number),
            ("MESSAGE", {"Content-Type": "text/plain"}, f"you talk to {number}"),
            ("NOTIFY", {"Event": f"dialog;id={bare}", "Subscription-State": "active"}, number),
            ("SUBSCRIBE", {"Event": bare}, ""),
            ("OPTIONS", {"Subject": number}, ""),
            ("PUBLISH", {"Event": "presence"}, number),
            ("REFER", {"Refer-To": f"<sip:{number}@carrier>", "Referred-By": f"<sip:{number}@carrier>"}, ""),
            ("REFER", {"Refer-To": f"<sip:1001@switch?Replaces={bare}>"}, ""),
            ("UPDATE", {"Content-Type": "application/sdp"}, told_sdp(answer.body, number).decode()),
            ("INVITE", {"Content-Type": "application/sdp"}, told_sdp(answer.body, number).decode()),
            ("BYE", {"Reason": f'SIP;cause=200;text="{number}"'}, number),
        ]
        uri = invite.headers.get("Contact") or ""
        for sequence, (method, headers, body) in enumerate(requests, 100):
            lines = [
                f"{method} {uri.strip('<>')} SIP/2.0",
                f"Via: SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch=z9hG4bK{self.new_token()};rport",
                "Max-Forwards: 70",
                f"From: {answer.headers.get('To')}",
                f"To: {invite.headers.get('From')}",
                f"Call-ID: {call_id}",
                f"CSeq: {sequence} {method}",
                f"Contact: <sip:{number}@{self.address[0]}:{self.address[1]}>",
                *(f"{name}: {value}" for name, value in headers.items()),
                "Content-Length: 0",
            ]
            self.send(Datagram("\r\n".join(lines).encode() + b"\r\n\r\n" + body.encode(), destination))


class HostileTrunk(Trunk):
    """`rude` holds the numbers in whose calls every request is sent that there is."""

    def __init__(self, plan: Mapping[str, CalleePlan], journal: Any = None) -> None:
        super().__init__(plan, journal)
        self.rude: Collection[str] = ()
        self.hostile = self._station = HostileStation(self._receive_event, self._receive_message, plan)
        self._whispers: set[asyncio.Task[None]] = set()
        self._switch = Hop("", 0)
        self.answers: set[tuple[str, int]] = set()
        """(method, status) of what it was answered."""

    @property
    def said(self) -> bytes:
        """Everything that it has told the switch by SIP."""
        return b"\n".join(self.hostile.said)

    def _receive_message(self, data: bytes, source: Hop) -> None:
        if data.startswith(b"INVITE "):
            request = parse(data)
            assert isinstance(request, Request)
            self.hostile.invites[request.call_id] = request
            self._switch = source
        elif answered := _ANSWERED.match(data):
            (method,) = _METHOD.findall(data)[:1]
            self.answers.add((method.decode(), int(answered[1])))
        self._receive_datagram(data, source)

    async def _open(self, call: TrunkCall) -> Conversation:
        ear = MarkerEar(AGENT_MARKERS_HZ)
        call.conversation = Conversation(self.journal, Callee(call.plan).speaker, ear, **self._names(call))
        self._by_leg[call.leg_id] = call
        await call.conversation.open(self.address[0], lambda data, source: None)
        assert call.conversation.end is not None
        call.conversation.end._ssrc = marked_source(call.number)
        whisper = asyncio.get_running_loop().create_task(self._whisper(call, call.conversation.end))
        self._whispers.add(whisper)
        whisper.add_done_callback(self._whispers.discard)
        return call.conversation

    async def _whisper(self, call: TrunkCall, end: RtpEnd) -> None:
        """The number by telephone events, in RTP's header and in RTCP, for as long as the call lasts."""
        at = 0
        while not call.ended:
            await asyncio.sleep(WHISPER_S)
            if end.remote is None or end.control is None:
                continue
            for packet in marked_rtp(call.number, at):
                end.transmit(packet)
            host, port = end.remote
            end.control.sendto(marked_rtcp(call.number), (host, port + 1))
            at += 1
            if at == RUDE_AFTER and call.number in self.rude and call.call_id in self.hostile.dialogs:
                self.hostile.be_rude(call.call_id, call.number, self._switch)
