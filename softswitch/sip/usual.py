"""The shape that nearly every message has, as one pattern: what routing needs of it, checked and cut out in one step.

A head that matches is well-formed in all its parts, and says only once what may be said only once. One that does not
may be well-formed too (folded lines, compact names, escapes, many Vias): then the parser goes the long way, which alone
decides. Every alternative starts with a text of its own and repeats possessively, so that a failing match costs no more
than reading the head once.
"""

import re
from types import MappingProxyType
from typing import Final

from softswitch.sip.headers import Headers
from softswitch.sip.message import Request, Response
from softswitch.sip.values import CSeq, Via

LONGEST: Final = 4096  # ours; a longer head is not usual

_WORD = r"[A-Za-z0-9\-.!%*_+`'~]++"  # token
_HOST = r"[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)*+"
_PORT = r"(?:6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})(?![0-9])"
_URI_PARAM = r";[A-Za-z0-9\-_.!~*'()+$/:&]++(?:=[A-Za-z0-9\-_.!~*'()+$/:&]++)?+"
_URI = rf"sips?:(?:[A-Za-z0-9+\-_.!~*'()&=$,]++@)?{_HOST}(?::{_PORT})?(?:{_URI_PARAM})*+"
_DISPLAY = r"(?:\"[A-Za-z0-9 .+_\-]*+\" ?|[A-Za-z0-9\-.!%*_+`'~]++ )?"
_ADDRESSED = rf"(?:{_DISPLAY}<{_URI}>(?:;tag=({_WORD}))?)"
_TEXT = r"[^\x00-\x08\x0a-\x1f\x7f]*+"

# What may stand once is asked for by the number of its own group: `(?(3)(?!))` fails where group 3 has been seen.
_HEADERS = (
    rf"Via: (?(3)(?!))(SIP/2\.0/(?:UDP|TCP|TLS|WSS?) ({_HOST})(?::({_PORT}))?(?:;(?:"
    rf"branch=(?(6)(?!))({_WORD})|rport(?(7)(?!))((?:=[0-9]{{1,5}}+)?)|received=(?(8)(?!))([0-9A-Fa-f.:]++)|"
    r"alias(?(9)(?!))()))*+)",
    rf"From: (?(10)(?!))({_ADDRESSED})",
    rf"To: (?(12)(?!))({_ADDRESSED})",
    r"Call-ID: (?(14)(?!))([!-~]++)",
    r"CSeq: (?(15)(?!))([0-9]{1,9}+ [A-Z]++)",
    rf"Contact: (?(16)(?!))(<{_URI}>|sips?:(?:[A-Za-z0-9+\-_.!~*]++@)?{_HOST}(?::{_PORT})?)",
    r"Content-Length: *+(?(17)(?!))([0-9]{1,5}+)",
    r"Content-Type: (?(18)(?!))([a-z]++/[a-z0-9.+\-]++)",
    r"Max-Forwards: (?(19)(?!))([0-9]{1,2}+)",
    # Any other. What begins like one of the above is named, so that none of those hides here in another spelling.
    r"(?:[ABDEGHIJKLNOPQSUWXYZ][A-Za-z-]++|Content-(?:Disposition|Encoding|Language)|Timestamp|Min-SE|MIME-Version|"
    rf"R(?:Ack|Seq|equire|eason|efer-To|eferred-By|eplaces|etry-After)): ?{_TEXT}",
)
_ENDING = rf"(?:\r\n(?:{'|'.join(_HEADERS)}))++\Z"

_REQUEST: Final = re.compile(rf"([A-Z]++) ({_URI}) SIP/2\.0{_ENDING}")
_RESPONSE: Final = re.compile(rf"SIP/2\.0 ([1-6][0-9][0-9]) ({_TEXT}){_ENDING}")


def read_usual(head: str, body: bytes) -> Request | Response | None:
    """The message, where it has the usual shape and nothing speaks against it; else None, which says nothing."""
    is_response = head.startswith("SIP/2.0 ")
    found = (_RESPONSE if is_response else _REQUEST).match(head)
    if found is None:
        return None
    (
        first, second, via, host, port, branch, rport, received, alias, from_, from_tag, to, to_tag, call_id, cseq,
        contact, length, content_type, max_forwards,
    ) = found.groups()  # fmt: skip
    if branch is None or from_ is None or to is None or call_id is None or cseq is None:
        return None
    if from_.count(";") > 2 or to.count(";") > 2 or (contact is not None and contact.count(";") > 1):
        return None  # several parameters of a URI: the long way sees to it that none is repeated
    order = CSeq.parse(cseq)
    typed: dict[str, object] = {
        "Via;branch": branch, "From;tag": from_tag, "To;tag": to_tag, "Call-ID": call_id, "CSeq": order,
        "Record-Route": (), "Route": (),
        "Content-Type": content_type, "Max-Forwards": None if max_forwards is None else int(max_forwards),
    }  # fmt: skip
    if length is not None and (announced := int(length)) != len(body):
        if announced > len(body):
            return None
        body = body[:announced]
    few = {"Via": via, "From": from_, "To": to, "Call-ID": call_id, "CSeq": cseq}
    if contact is None:
        typed["Contact"] = ()
    else:
        few["Contact"] = contact
    headers = Headers.from_head(head, few, typed)
    if is_response:
        return Response.from_parts(int(first), second, headers, body)
    if order.method != first or second.count(";") > 1:
        return None
    params: dict[str, str | None] = {"branch": branch}
    if rport is not None:
        params["rport"] = rport[1:] or None
    if received is not None:
        params["received"] = received
    if alias is not None:
        params["alias"] = None
    transport = via[8 : via.index(" ")]
    typed["Via"] = (Via(transport, host, None if port is None else int(port), MappingProxyType(params)),)
    return Request.from_parts(first, second, headers, body)
