"""No call reaches a carrier but by the gate: the call graph is walked up from the wire, and sockets are looked for.

What is new on such a path fails here, and has to be argued for.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(
    path
    for folder in ("softswitch", "codecs", "pacing")
    for path in (ROOT / folder).rglob("*.py")
    if not {"testing", "demo"} & set(path.parts)  # the lab is the other end
)

CALLERS = {
    # what is called: the only functions that may, from the wire up to those who decide
    "sendto": {"transports/udp.py: UdpTransport.send"},
    "TransactionLayer": {"ua/pool.py: UserAgentPool.__init__"},
    "send_request": {
        "ua/lines.py: PhoneLine.send_request",
        "ua/lines.py: TrunkLine.send_request",
        "ua/registrations.py: RegistrationDesk._settle",
        "ua/health.py: HealthDesk._probe",
        "calls/peer.py: Peer.send",
    },
    "PhoneLine": {"ua/making.py: LegMaker.ring_phone", "ua/making.py: LegMaker.from_phone",
                  "ua/making.py: LegMaker.restore"},
    "TrunkLine": {"ua/making.py: LegMaker.call_number", "ua/making.py: LegMaker.from_carrier",
                  "ua/making.py: LegMaker.restore"},
    "OutgoingLeg": {"ua/making.py: LegMaker.call_number", "ua/making.py: LegMaker.ring_phone",
                    "calls/snapshots.py: restore", "calls/snapshots.py: _outgoing"},
    "call_number": {"ua/tries.py: Tries._start"},
    "place_call": {"exchange/telephony/lines.py: Lines.dial"},
}  # fmt: skip
DIALLERS = {
    "exchange/calls/dialled.py: DialledCalls._place",
    "exchange/calls/overflow.py: Overflows.place",
    "exchange/calls/trials.py: Trials.place",
}
"""Who may have `Lines` dial: a campaign's committed attempt, a caller whom no agent could serve, and an administrator's
test call, committed before it too."""
SOCKETS = {
    # file: what it opens sockets for
    "transports/udp.py": "SIP",
    "transports/stack.py": "SIP over connections",
    "transports/resolver.py": "DNS",
    "transports/hep.py": "a capture server",
    "web/server.py": "pages, listening",
    "media/libc.py": "RTP and RTCP",
    "media/launcher.py": "between our processes",
    "media/guardian.py": "between our processes",
    "media/engine_process.py": "between our processes",
    "media/__main__.py": "between our processes",
    "commands/switch_client.py": "our own commands, to the web of a running switch",
    "commands/traces.py": "our own commands, to the web of a running switch",
}
OPENS = {"socket", "socketpair", "create_datagram_endpoint", "create_connection", "create_server", "open_connection",
         "start_server", "create_unix_connection", "create_unix_server", "urlopen", "HTTPConnection",
         "HTTPSConnection", "fromfd"}  # fmt: skip
STRANGERS = {"requests", "httpx", "aiohttp", "urllib3", "smtplib", "ftplib", "telnetlib", "paramiko", "scapy"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT)).removeprefix("softswitch/")


class Calls(ast.NodeVisitor):
    """Every call in a module, with the function that it is in."""

    def __init__(self) -> None:
        self.found: list[tuple[str, ast.Call]] = []
        self._inside: list[str] = []

    def visit(self, node: ast.AST) -> None:
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if named:
            self._inside.append(node.name)  # type: ignore[attr-defined]
        if isinstance(node, ast.Call):
            self.found.append((".".join(self._inside), node))
        self.generic_visit(node)
        if named:
            self._inside.pop()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def calls_in(path: Path) -> list[tuple[str, ast.Call]]:
    calls = Calls()
    calls.visit(tree_of(path))
    return calls.found


def called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def callers_of(name: str) -> set[str]:
    return {f"{name_of(path)}: {inside}" for path in ROOMS for inside, call in calls_in(path) if called(call) == name}


@pytest.mark.parametrize("name", CALLERS)
def test_every_step_from_the_wire_up_is_taken_from_where_it_may_be(name: str) -> None:
    found = callers_of(name)
    assert found, f"nothing calls {name}: it has another name now, and this walk leads nowhere"
    assert found <= CALLERS[name]


def test_only_committed_attempts_and_an_overflow_have_a_trunk_dialled() -> None:
    found = {
        f"{name_of(path)}: {inside}"
        for path in ROOMS
        for inside, call in calls_in(path)
        if called(call) == "dial" and ast.unparse(call.func).endswith("lines.dial")
    }
    assert found == DIALLERS


def test_every_line_to_a_trunk_is_given_the_gate() -> None:
    given = [
        ast.unparse(call)
        for path in ROOMS
        for _, call in calls_in(path)
        if called(call) == "TrunkLine"
    ]  # fmt: skip
    assert len(given) == 3
    assert all("self._gate" in text for text in given)


def test_a_trunk_is_asked_for_an_invite_behind_the_gates_answer() -> None:
    """In the one function that sends it, nothing leaves before the gate was asked and did not refuse."""
    (body,) = (
        node
        for node in ast.walk(tree_of(ROOT / "softswitch/ua/lines.py"))
        if isinstance(node, ast.ClassDef) and node.name == "TrunkLine"
    )
    (send,) = (each for each in body.body if isinstance(each, ast.FunctionDef) and each.name == "send_request")
    lines = [ast.unparse(each) for each in ast.walk(send) if isinstance(each, ast.stmt)]
    text = ast.unparse(send)
    assert any(line.startswith("if request.method == 'INVITE' and request.to_tag is None") for line in lines)
    assert text.index("self._ask(") < text.index("raise InviteRefused") < text.index("self._layer.send_request(")


def test_who_asks_carriers_without_the_gate_makes_no_invite() -> None:
    for path, method in (("sip/registration.py", "REGISTER"), ("ua/health.py", "OPTIONS")):
        made = [call for _, call in calls_in(ROOT / "softswitch" / path) if called(call) == "Request"]
        assert made
        assert {ast.literal_eval(call.args[0]) for call in made} == {method}


def test_there_is_one_gate_and_it_is_given_to_the_one_pool() -> None:
    assert callers_of("Gate") == {"switch.py: Switch._start"}
    assert callers_of("UserAgentPool") == {"exchange/running/opening.py: open_sip"}
    (made,) = (
        call for _, call in calls_in(ROOT / "softswitch/exchange/running/opening.py") if called(call) == "UserAgentPool"
    )
    assert {each.arg: ast.unparse(each.value) for each in made.keywords}["gate"] == "gate"


def test_sockets_are_opened_where_it_is_known_what_for() -> None:
    opening = {name_of(path) for path in ROOMS for _, call in calls_in(path) if called(call) in OPENS}
    assert opening <= set(SOCKETS), "say what the socket is for, and why no call can leave by it"


def test_nothing_speaks_to_the_network_by_a_library_of_its_own() -> None:
    for path in ROOMS:
        names = {
            (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not names & STRANGERS, path
