"""How carriers are told who calls, and what is believed of what they tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.identity import IdentityStyle
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri
from softswitch.ua.accounts import CarrierAccount

NUMBER = "+442079460123"


def invite_of(account: CarrierAccount, caller_id: str = NUMBER) -> Request:
    """As the pool's leg and line make it."""
    request = Request("INVITE", account.uri("+442079460958"))
    request.headers.add("From", account.caller(caller_id).with_tag("t"))
    vouch = account.vouching(caller_id)
    if vouch is not None:
        vouch(request)
    return request


@pytest.mark.parametrize(
    ("style", "from_", "asserted", "preferred"),
    [
        (IdentityStyle.FROM, NUMBER, None, None),
        (IdentityStyle.PAI, NUMBER, f"<sip:{NUMBER}@192.0.2.2>", None),
        (IdentityStyle.PPI, NUMBER, None, f"<sip:{NUMBER}@192.0.2.2>"),
        (IdentityStyle.NONE, "us", None, None),
    ],
)
def test_each_carrier_is_told_in_its_own_way(style: IdentityStyle, from_: str, asserted: str, preferred: str) -> None:
    request = invite_of(CarrierAccount("c", "192.0.2.2", username="us", identity_style=style))
    assert request.from_.uri.user == from_
    assert request.headers.get("P-Asserted-Identity") == asserted
    assert request.headers.get("P-Preferred-Identity") == preferred


def test_a_withheld_caller_is_known_to_the_carrier_alone() -> None:
    request = invite_of(CarrierAccount("c", "192.0.2.2", identity_style=IdentityStyle.PAI, withholds=True))
    assert str(request.from_) == '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=t'
    assert request.headers.get("Privacy") == "id"
    assert NUMBER in (request.headers.get("P-Asserted-Identity") or "")


def test_an_account_without_wishes_adds_nothing() -> None:
    assert CarrierAccount("c", "192.0.2.2").vouching(NUMBER) is None
    assert CarrierAccount("c", "192.0.2.2", identity_style=IdentityStyle.PAI).vouching("") is None


def test_each_invite_is_signed_anew_for_the_caller_id_presented() -> None:
    signed: list[tuple[str, str]] = []
    account = CarrierAccount(
        "c", "192.0.2.2", sign=lambda request, caller: signed.append((request.uri.user, caller)), caller_id="+4420"
    )
    invite_of(account)
    invite_of(account, "")
    assert signed == [("+442079460958", NUMBER), ("+442079460958", "+4420")]


@given(st.sampled_from(IdentityStyle), st.booleans())
def test_a_caller_id_is_never_said_where_it_is_withheld_from_all(style: IdentityStyle, withholds: bool) -> None:
    account = CarrierAccount("c", "192.0.2.2", username="us", identity_style=style, withholds=withholds)
    request = invite_of(account)
    if withholds or style is IdentityStyle.NONE:
        assert request.from_.uri.user in ("anonymous", "us")
    assert request.uri == Uri.parse("sip:+442079460958@192.0.2.2")
