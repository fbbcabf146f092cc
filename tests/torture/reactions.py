"""What a back-to-back user agent does with each torture message that its carrier sends: a row for each, none left out.

The rows hold what RFC 4475 and RFC 5118 expect of an element that ends the request itself. Where ours is another of the
reactions that they allow, or a policy of ours comes before the fault that the message is about, the row says why.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reaction:
    """A final answer of one of these statuses, or none at all."""

    statuses: tuple[int, ...] = ()
    """Empty: silence."""
    offered: bool = False
    """It is taken for a call, and comes up as `CallOffered`."""
    says: tuple[str, ...] = ()
    """Lines that the answer holds."""
    why: str = ""


def accepted(*statuses: int, why: str = "") -> Reaction:
    """An INVITE that is taken; the statuses are what our offer/answer makes of its SDP."""
    return Reaction(statuses or (200,), offered=True, why=why)


def refused(*statuses: int, says: tuple[str, ...] = (), why: str = "") -> Reaction:
    return Reaction(statuses, says=says, why=why)


OK = Reaction((200,))
SILENCE = Reaction()
ASKED_FOR_PASSWORD = refused(
    401,
    says=("WWW-Authenticate: Digest ",),
    why="our registrar asks everybody for a password first; test_registrations shows what follows it",
)
NOT_SERVED = ("Allow: INVITE",)

RFC_4475 = {
    # 3.1.1, valid messages
    "wsinv": refused(481, why="its To has a tag, and we are in no such dialog (RFC 3261 §12.2.2)"),
    "intmeth": refused(405, 501, says=NOT_SERVED),
    "esc01": accepted(),
    "escnull": ASKED_FOR_PASSWORD,
    "esc02": refused(405, 501, says=NOT_SERVED, why="the escapes in its method do not make it a REGISTER"),
    "lwsdisp": OK,
    "longreq": accepted(),
    "dblreq": ASKED_FOR_PASSWORD,
    "semiuri": OK,
    "transports": OK,
    "mpart01": refused(403, 405, 415, 501, why="no MESSAGE is served from a carrier, whatever it holds"),
    "unreason": Reaction(why="a response to no request of ours"),
    "noreason": Reaction(why="a response to no request of ours"),
    # 3.1.2, invalid messages
    "badinv01": refused(400),
    "clerr": refused(400),
    "ncl": refused(400),
    "scalar02": refused(400),
    "scalarlg": SILENCE,
    "quotbal": refused(400),
    "ltgtruri": refused(400),
    "lwsruri": refused(400),
    "lwsstart": refused(400),
    "trws": refused(400),
    "escruri": refused(400),
    "baddate": accepted(why="nothing here acts upon Date, so that it may be ignored"),
    "regbadct": refused(400),
    "badaspec": refused(400),
    "baddn": refused(400, why="the commas might be taken; the archive's file lacks the empty line, and that may not"),
    "badvers": refused(505),
    "mismatch01": refused(400),
    "mismatch02": refused(400, 501),
    "bigcode": SILENCE,
    # 3.2 and 3.3, the transaction and application layers
    "badbranch": OK,
    "insuf": refused(400, why="from Via and CSeq its sender knows what it answers; the rest is not there to copy"),
    "unkscm": refused(416),
    "novelsc": refused(416),
    "unksm2": ASKED_FOR_PASSWORD,
    "bext01": refused(420, says=("Unsupported: nothingSupportsThis, nothingSupportsThisEither",)),
    "invut": refused(415, says=("Accept: application/sdp",)),
    "regaut01": ASKED_FOR_PASSWORD,
    "multi01": refused(400),
    "mcl01": refused(400),
    "bcast": Reaction(why="its second Via is not ours to answer to, and it answers no request of ours"),
    "zeromf": Reaction((200,), why="we are where it ends, and never a proxy"),
    "cparam01": ASKED_FOR_PASSWORD,
    "cparam02": ASKED_FOR_PASSWORD,
    "regescrt": ASKED_FOR_PASSWORD,
    "sdp01": refused(406),
    # 3.4, RFC 2543
    "inv2543": accepted(),
    # In the archive, and in no section
    "test": Reaction(why="without a version in its first line it is no SIP message"),
}

RFC_5118 = {
    "ipv6-good": ASKED_FOR_PASSWORD,
    "ipv6-bad": refused(400),
    "port-ambiguous": ASKED_FOR_PASSWORD,
    "port-unambiguous": ASKED_FOR_PASSWORD,
    "via-received-param-with-delim": refused(481, why="a BYE to no dialog"),
    "via-received-param-no-delim": OK,
    "ipv6-in-sdp": accepted(488, why="its audio is G.726 alone"),
    "mult-ip-in-header": refused(481, why="a BYE to no dialog"),
    "mult-ip-in-sdp": accepted(),
    "ipv4-mapped-ipv6": accepted(488, why="its audio is G.726 alone"),
    "ipv6-bug-abnf-3-colons": OK,
    "ipv6-correct-abnf-2-colons": OK,
}

ON_A_STREAM = {
    # RFC 4475 says of these what else becomes of them where the transport has no datagrams.
    "clerr": Reaction(why="the rest of its body may yet come; the connection's time for a message bounds the wait"),
    "baddn": Reaction(why="the archive's file lacks the empty line: its head has not ended"),
    "inv2543": refused(400, why="without Content-Length nobody can tell where it ends (RFC 3261 §18.3, §20.14)"),
    "dblreq": refused(401, 400, why="what follows it is a message of its own"),
}
CLOSES_ITS_STREAM = {"ncl", "mcl01", "inv2543"}
"""Nobody can say where the next message begins."""
