"""What carriers are told of the caller, in real calls between pools, and what is traced of them."""

import importlib.util
import sys
from pathlib import Path

import pytest

from softswitch.safeguards.message_masking import MessageMask
from softswitch.sip.identity import IdentityStyle
from softswitch.sip.message import Request, Response
from softswitch.sip.message_ring import CallNames

_SPEC = importlib.util.spec_from_file_location("ua_site", Path(__file__).parent / "conftest.py")
assert _SPEC is not None and _SPEC.loader is not None
site_of_the_tests = importlib.util.module_from_spec(_SPEC)
sys.modules["ua_site"] = site_of_the_tests
_SPEC.loader.exec_module(site_of_the_tests)
CARRIER, NUMBER, SWITCH = site_of_the_tests.CARRIER, site_of_the_tests.NUMBER, site_of_the_tests.SWITCH


def invites(site) -> list[Request]:
    sent = site.messages(SWITCH, CARRIER)
    return [message for message in sent if isinstance(message, Request) and message.method == "INVITE"]


def make_site(**account: object):
    site = site_of_the_tests.Site(account=account)
    site.carrier_does = lambda offered: site.carrier.answer(offered.leg_id, site_of_the_tests.ANSWER, site.now)
    return site


def test_an_asserted_identity_stands_in_the_invite_and_not_in_what_follows() -> None:
    site = make_site(identity_style=IdentityStyle.PAI)
    site.call()
    (invite,) = invites(site)
    assert invite.headers.get("P-Asserted-Identity") == "<sip:+441632960000@192.0.2.2>"
    site.switch.hang_up("out", site.now)
    site.run(1.0)
    others = [m for m in site.messages(SWITCH, CARRIER) if isinstance(m, Request) and m.method != "INVITE"]
    assert {m.method for m in others} == {"ACK", "BYE"}
    assert not any("P-Asserted-Identity" in m.headers for m in others)


def test_each_invite_is_signed_when_it_leaves() -> None:
    signed: list[str] = []

    def sign(request: Request, caller: str) -> None:
        signed.append(caller)
        request.headers.set("Identity", f"token{len(signed)}")

    site = make_site(sign=sign)
    site.call()
    assert [invite.headers.get("Identity") for invite in invites(site)] == ["token1"]
    assert signed == ["+441632960000"]


@pytest.mark.parametrize(("trusts", "caller"), [(True, "+441632960777"), (False, "+441632960000")])
def test_who_calls_is_whom_a_trusted_carrier_asserts(trusts: bool, caller: str) -> None:
    site = make_site(trusts_identity=trusts, verify=lambda request, trusted: f"verified-{trusted}")
    site.carrier.place_call("in", "switch", "200", site_of_the_tests.OFFER, site.now, caller_id="+441632960000")
    site.wire.settle()
    (offered,) = _offered_with(site, "P-Asserted-Identity: <tel:+441632960777>")
    assert (offered.caller, offered.verstat) == (caller, f"verified-{trusts}")


def _offered_with(site, header: str):
    """The same INVITE once more, as another call with one more header."""
    invite = next(t.data for t in site.wire.transits if t.data.startswith(b"INVITE") and t.source == CARRIER)
    changed = invite.replace(b"Max-Forwards", f"{header}\r\nMax-Forwards".encode()).replace(b"Call-ID: ", b"Call-ID: x")
    changed = changed.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx")
    site.wire.inject(changed, CARRIER, SWITCH)
    before = len(site.offered(SWITCH))
    site.run(0.5)
    return site.offered(SWITCH)[before:][-1:]


def test_each_leg_s_call_id_is_noted_while_it_lasts_and_after() -> None:
    site = make_site()
    names = CallNames(10)
    site.switch.name_calls_in(names)
    site.call()
    (part,) = names.parts_of("out")
    assert part.call_id == invites(site)[0].call_id
    site.wind_down()
    assert names.parts_of("out") == [part]


def test_no_message_of_a_call_tells_the_number_once_it_is_masked() -> None:
    site = make_site(identity_style=IdentityStyle.PAI)
    site.call()
    site.switch.hang_up("out", site.now)
    site.run(1.0)
    mask = MessageMask(b"k", digits_shown=False)
    sent = [transit.data for transit in site.wire.transits]
    assert any(NUMBER.encode() in data for data in sent)
    for data in sent:
        masked = mask(data)
        assert b"900123" not in masked and b"960000" not in masked
        assert isinstance(site_of_the_tests.parse(masked), Request | Response)
