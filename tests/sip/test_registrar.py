"""The registrar, asked by a phone that knows its password, and by others."""

import itertools
from collections.abc import Callable

import pytest

from softswitch.errors import UsageError
from softswitch.sip.authenticator import Authenticator, Nonces
from softswitch.sip.digest import ClientDigest
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request, Response
from softswitch.sip.registrar import MAX_BINDINGS, Registrar, UserExpired, UserRegistered
from softswitch.sip.uri import Uri

PASSWORDS = {"7": "seven", "8": "eight"}
SOURCE = Hop("192.0.2.7", 5060)
CONTACT = "<sip:7@192.0.2.7:5060>"


def tokens() -> Callable[[], str]:
    count = itertools.count(1)
    return lambda: f"token{next(count)}"


class Desk:
    """A registrar and a phone that answers its challenges."""

    def __init__(self, **settings: int) -> None:
        token = tokens()
        authenticator = Authenticator("switch", PASSWORDS.get, Nonces(b"0123456789abcdef", token, lifetime_s=1e9))
        self.registrar = Registrar(authenticator, token, **settings)
        self.digests = {user: ClientDigest(user, password, token) for user, password in PASSWORDS.items()}
        self.cseq = 0

    def request(
        self, *contacts: str, user: str = "7", to: str = "", cseq: int | None = None, **more: object
    ) -> Request:
        self.cseq += 1
        number = self.cseq if cseq is None else cseq
        request = Request("REGISTER", Uri.parse("sip:switch.example"))
        via = more.pop("via", "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1;rport")
        headers = [
            ("Via", via), ("From", f"<sip:{user}@switch.example>;tag=f"), ("To", to or f"<sip:{user}@switch.example>"),
            ("Call-ID", more.pop("call_id", "call")), ("CSeq", f"{number} REGISTER"),
            *[("Contact", contact) for contact in contacts],
            *[(name.replace("_", "-"), value) for name, value in more.items()],
        ]  # fmt: skip
        for name, value in headers:
            request.headers.add(name, value)
        return request

    def send(self, request: Request, now: float = 0.0, source: tuple[str, int] = SOURCE, user: str = "7") -> Response:
        response = self.registrar.receive_register(request, source, now)
        if response.status == 401 and self.digests[user].receive_challenge(response, request):
            self.digests[user].authorise(request)
            response = self.registrar.receive_register(request, source, now)
        return response

    def register(self, *contacts: str, now: float = 0.0, source: tuple[str, int] = SOURCE, **more: object) -> Response:
        return self.send(self.request(*contacts, **more), now, source)  # type: ignore[arg-type]

    def uris(self, now: float = 0.0, user: str = "7") -> list[str]:
        return [str(binding.contact.uri) for binding in self.registrar.bindings(user, now)]


def test_a_phone_that_registers_can_be_reached_until_its_time_runs_out() -> None:
    desk = Desk()
    response = desk.register(CONTACT, Expires=120)
    assert (response.status, response.contacts[0].params["expires"]) == (200, "120")
    assert desk.registrar.next_event() == UserRegistered("7")
    assert desk.registrar.next_timer() == 120.0
    assert desk.uris(119.9) == ["sip:7@192.0.2.7:5060"]
    assert desk.uris(120.0) == []
    desk.registrar.handle_timer(120.0)
    assert desk.registrar.next_event() == UserExpired("7")
    assert desk.registrar.next_timer() is None


def test_a_refresh_lengthens_the_time_and_is_no_news() -> None:
    desk = Desk()
    desk.register(CONTACT, Expires=120)
    desk.registrar.next_event()
    desk.register(CONTACT, now=100.0, Expires=120)
    assert desk.registrar.next_timer() == 220.0
    assert len(desk.uris(150.0)) == 1
    assert desk.registrar.next_event() is None


@pytest.mark.parametrize(
    ("contact", "expires", "granted"),
    [(CONTACT, None, 3600), (CONTACT, 300, 300), (f"{CONTACT};expires=90", 300, 90), (CONTACT, 99999, 3600),
     (f"{CONTACT};expires=soon", 300, 3600)],
)  # fmt: skip
def test_the_contacts_own_time_goes_before_the_messages_and_the_longest_is_ours(
    contact: str, expires: int | None, granted: int
) -> None:
    desk = Desk()
    more = {} if expires is None else {"Expires": expires}
    assert desk.register(contact, **more).contacts[0].params["expires"] == str(granted)


def test_too_short_a_time_is_refused_with_the_shortest_that_will_do() -> None:
    desk = Desk()
    response = desk.register(CONTACT, Expires=30)
    assert (response.status, response.headers.get("Min-Expires")) == (423, "60")
    assert desk.uris() == []


def test_several_contacts_are_kept_the_preferred_first() -> None:
    desk = Desk()
    desk.register("<sip:7@192.0.2.7>;q=0.2, <sip:7@192.0.2.8>;q=0.9", "<sip:7@192.0.2.9>;q=0.2")
    assert desk.uris() == ["sip:7@192.0.2.8", "sip:7@192.0.2.9", "sip:7@192.0.2.7"]


def test_no_seconds_take_one_binding_back() -> None:
    desk = Desk()
    desk.register("<sip:7@192.0.2.7>", "<sip:7@192.0.2.8>")
    desk.register("<sip:7@192.0.2.7>;expires=0")
    assert desk.uris() == ["sip:7@192.0.2.8"]


def test_the_wildcard_takes_all_back() -> None:
    desk = Desk()
    desk.register("<sip:7@192.0.2.7>", "<sip:7@192.0.2.8>")
    desk.registrar.next_event()
    assert desk.register("*", Expires=0).status == 200
    assert desk.uris() == []
    assert desk.registrar.next_event() == UserExpired("7")


@pytest.mark.parametrize(
    ("contacts", "more"), [(["*"], {}), (["*"], {"Expires": 60}), (["*", CONTACT], {"Expires": 0})]
)
def test_a_wildcard_in_any_other_form_is_a_bad_request(contacts: list[str], more: dict[str, object]) -> None:
    desk = Desk()
    desk.register(CONTACT)
    assert desk.register(*contacts, **more).status == 400
    assert len(desk.uris()) == 1


def test_a_register_without_contact_asks_what_is_bound() -> None:
    desk = Desk()
    desk.register(CONTACT, Expires=100)
    response = desk.register(now=40.5)
    assert [contact.params["expires"] for contact in response.contacts] == ["60"]


@pytest.mark.parametrize("contact", [f"{CONTACT};expires=0", "*", CONTACT])
def test_a_register_that_comes_late_changes_nothing(contact: str) -> None:
    desk = Desk()
    desk.register(CONTACT, cseq=5)
    assert desk.register(contact, cseq=5, Expires=0 if contact == "*" else 100).status == 400
    assert len(desk.uris()) == 1
    assert desk.register(f"{CONTACT};expires=0", cseq=1, call_id="restarted").status == 200
    assert desk.uris() == []


def test_one_wrong_contact_leaves_the_others_unbound_too() -> None:
    desk = Desk()
    assert desk.register(CONTACT, "<name:John_Smith>").status == 400
    assert desk.uris() == []


def test_a_phone_behind_nat_is_reached_where_it_came_from() -> None:
    desk = Desk()
    desk.register("<sip:7@10.0.0.5:5060>", source=Hop("203.0.113.9", 40123))
    (binding,) = desk.registrar.bindings("7", 0.0)
    assert binding.destination == Hop("203.0.113.9", 40123)
    assert binding.contact.uri.host == "10.0.0.5"


def test_a_phone_without_symmetric_answers_is_reached_at_the_port_it_names() -> None:
    desk = Desk()
    desk.register(
        "<sip:7@192.0.2.7:5070>", source=Hop("192.0.2.7", 40123), via="SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1"
    )
    assert desk.registrar.bindings("7", 0.0)[0].destination == Hop("192.0.2.7", 5070)


def test_the_path_is_kept_and_told() -> None:
    desk = Desk()
    response = desk.register(CONTACT, Path="<sip:p1.example;lr>, <sip:p2.example;lr>", Supported="path", Require="path")
    assert desk.registrar.bindings("7", 0.0)[0].path == ("<sip:p1.example;lr>", "<sip:p2.example;lr>")
    assert response.headers.get_all("Path") == ["<sip:p1.example;lr>", "<sip:p2.example;lr>"]


def test_an_extension_that_is_not_known_is_named_in_the_refusal() -> None:
    response = Desk().register(CONTACT, Require="path, gruu")
    assert (response.status, response.headers.get("Unsupported")) == (420, "gruu")


def test_nobody_registers_for_another() -> None:
    desk = Desk()
    assert desk.send(desk.request("<sip:8@192.0.2.8>", user="8"), user="7").status == 403
    assert desk.uris(user="8") == []


def test_an_address_that_is_no_sip_address_is_a_bad_request() -> None:
    assert Desk().register(CONTACT, to="<isbn:2983792873>").status == 400


@pytest.mark.parametrize("user", ["7", "nobody"])
def test_who_knows_no_password_learns_nothing_about_users(user: str) -> None:
    desk = Desk()
    request = desk.request(CONTACT, user=user)
    first = desk.registrar.receive_register(request, SOURCE, 0.0)
    guess = ClientDigest(user, "guess", tokens())
    guess.receive_challenge(first, request)
    guess.authorise(request)
    second = desk.registrar.receive_register(request, SOURCE, 0.0)
    assert (first.status, second.status) == (401, 401)
    assert [*first.headers._fields] == [*second.headers._fields]
    assert "stale" not in (second.headers.get("WWW-Authenticate") or "")


def test_credentials_without_a_realm_are_a_bad_request() -> None:
    desk = Desk()
    assert desk.registrar.receive_register(desk.request(CONTACT, Authorization="Digest"), SOURCE, 0.0).status == 400


def test_one_user_binds_a_bounded_number_of_addresses() -> None:
    desk = Desk()
    assert desk.register(*[f"<sip:7@192.0.2.7:{5060 + n}>" for n in range(MAX_BINDINGS + 1)]).status == 403
    assert desk.register(*[f"<sip:7@192.0.2.7:{5060 + n}>" for n in range(MAX_BINDINGS)]).status == 200


def test_a_phone_known_to_be_gone_can_be_dropped() -> None:
    desk = Desk()
    desk.register(CONTACT)
    desk.registrar.next_event()
    desk.registrar.drop("7")
    desk.registrar.drop("7")
    assert desk.registrar.next_event() == UserExpired("7")
    assert desk.registrar.next_event() is None


def test_limits_that_contradict_each_other_are_our_own_error() -> None:
    with pytest.raises(UsageError):
        Desk(min_expires_s=60, max_expires_s=30)


INSTANCE = '"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'


def flow(uri: str = "sip:7@10.0.0.5:5060;ob", reg_id: object = 1, instance: str = INSTANCE) -> str:
    return f"<{uri}>;+sip.instance={instance};reg-id={reg_id}"


def test_a_phone_that_names_its_flow_is_reached_by_it_and_told_so() -> None:
    desk = Desk()
    source = Hop("203.0.113.9", 40123, "TLS", flow=7)
    response = desk.register(flow(), source=source, Supported="path, outbound")
    assert (response.status, response.headers.get("Require"), response.headers.get("Flow-Timer")) == (
        200, "outbound", "120")  # fmt: skip
    assert desk.registrar.bindings("7", 0.0)[0].destination == source
    assert response.contacts[0].params["reg-id"] == "1"
    assert INSTANCE in (response.headers.get("Contact") or "")


def test_the_same_instance_and_flow_number_replace_the_older_binding_and_another_stands_beside_it() -> None:
    desk = Desk()
    old, new = Hop("203.0.113.9", 40123), Hop("203.0.113.9", 55001)
    desk.register(flow("sip:7@10.0.0.5:5060"), source=old, Supported="outbound", call_id="before")
    desk.register(flow("sip:7@10.0.0.5:6060"), source=new, Supported="outbound", call_id="after")
    assert [binding.destination for binding in desk.registrar.bindings("7", 0.0)] == [new]
    desk.register(flow("sip:7@10.0.0.5:6060", 2), source=old, Supported="outbound", call_id="second-flow")
    assert [binding.destination for binding in desk.registrar.bindings("7", 0.0)] == [old, new]


def test_a_phone_that_restarts_on_another_port_leaves_no_binding_behind_if_it_names_its_instance() -> None:
    desk = Desk()
    desk.register(f"<sip:7@192.0.2.7:5060>;+sip.instance={INSTANCE}", call_id="before")
    response = desk.register(f"<sip:7@192.0.2.7:6060>;+sip.instance={INSTANCE}", call_id="after")
    assert desk.uris() == ["sip:7@192.0.2.7:6060"]
    assert "Require" not in response.headers


@pytest.mark.parametrize("contact", [flow(reg_id="0"), flow(reg_id="many"), flow(reg_id=2**31), flow(reg_id="9" * 99)])
def test_a_flow_number_that_is_none_is_ignored(contact: str) -> None:
    response = Desk().register(contact, Supported="outbound")
    assert (response.status, response.headers.get("Require")) == (200, None)


def test_a_flow_number_without_instance_or_without_the_option_tag_is_ignored() -> None:
    for contact, more in ((f"{CONTACT};reg-id=1", {"Supported": "outbound"}), (flow(), {})):
        response = Desk().register(contact, **more)
        assert (response.status, response.headers.get("Require")) == (200, None)


def test_several_contacts_beside_a_flow_are_a_bad_request() -> None:
    assert Desk().register(flow(), CONTACT, Supported="outbound").status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [(None, 439), ("<sip:p1.example;lr>", 439), ("<sip:p1.example;lr;ob>", 200),
     ("<sip:p2.example;lr;ob>, <sip:p1.example;lr>", 439), ("<sip:p2.example;lr>, <sip:p1.example;lr;ob>", 200)],
)  # fmt: skip
def test_behind_a_proxy_a_flow_needs_the_first_proxys_word(path: str | None, status: int) -> None:
    via = "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2, SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1"
    more = {} if path is None else {"Path": path}
    response = Desk().register(flow(), via=via, Supported="outbound, path", **more)
    assert response.status == status
    assert response.reason


def test_a_flow_that_closes_takes_its_bindings_along_and_no_others() -> None:
    desk = Desk()
    gone, other = Hop("203.0.113.9", 40123, "TCP", flow=7), Hop("203.0.113.9", 40124, "TCP", flow=8)
    desk.register(flow(reg_id=1), source=gone, Supported="outbound")
    desk.register(flow(reg_id=2), source=other, Supported="outbound")
    desk.register("<sip:7@192.0.2.7:5060>")
    desk.registrar.next_event()
    desk.registrar.drop_flow(SOURCE)
    desk.registrar.drop_flow(gone)
    assert [binding.destination for binding in desk.registrar.bindings("7", 0.0)] == [SOURCE, other]
    assert desk.registrar.next_event() is None
    desk.registrar.drop("7")
    desk.register(flow(reg_id=2), source=other, Supported="outbound")
    desk.registrar.drop_flow(other)
    assert [desk.registrar.next_event() for _ in range(3)] == [UserExpired("7"), UserRegistered("7"), UserExpired("7")]


def test_the_order_of_messages_holds_within_a_flow_too() -> None:
    desk = Desk()
    assert desk.register(flow(), Supported="outbound", cseq=5).status == 200
    assert desk.register(flow("sip:7@10.0.0.9"), Supported="outbound", cseq=5).status == 400
