"""Carrier accounts that come and go while the pool runs."""

from typing import Any

import pytest

from softswitch.calls.events import CallAnswered
from softswitch.errors import UsageError
from softswitch.ua.accounts import AccountFailed, AccountRegistered, AccountState, CarrierAccount, PhoneAccount
from softswitch.ua.defence import Limits
from softswitch.ua.pool import UserAgentPool
from tests.ua.conftest import ANSWER, CARRIER, NUMBER, OFFER, PHONE, SWITCH, Site, tokens

SECOND: Any = {"name": "second", "host": CARRIER.host, "username": "site", "password": "secret", "register": True}


def registrar(site: Site) -> None:
    """The carrier has an account for the switch."""
    site.carrier = UserAgentPool(
        listens=[CARRIER],
        realm="carrier.example",
        accounts=[],
        phones=[PhoneAccount("switch", "site", "secret")],
        gate=lambda number: None,
        new_token=tokens("r"),
    )
    site.wire.attach(CARRIER, site.carrier, site._offered("carrier_does"))


@pytest.fixture
def at_registrar(site: Site) -> Site:
    registrar(site)
    site.switch.start(site.now)
    return site


def expiries(site: Site) -> list[str | None]:
    """Of the REGISTERs that were let in, in their order."""
    return [m.headers.get("Expires") for m in site.requests("REGISTER", SWITCH) if m.headers.get("Authorization")]


def test_an_account_that_is_added_registers_and_takes_calls(at_registrar: Site) -> None:
    site = at_registrar
    site.switch.add_account(CarrierAccount(**SECOND), site.now)
    assert site.switch.account_state("second") is AccountState.UNREGISTERED
    site.run(1.0)
    assert site.switch.account_state("second") is AccountState.REGISTERED
    assert AccountRegistered("second") in site.wire.events(SWITCH)
    site.carrier_answers()
    site.switch.place_call("out", "second", NUMBER, OFFER, site.now)
    site.run(1.0)
    assert site.events() == [CallAnswered("out", ANSWER)]
    site.run(400.0)
    assert site.switch.account_state("second") is AccountState.REGISTERED  # refreshed like the others


def test_one_of_a_name_that_is_there_is_refused(site: Site) -> None:
    with pytest.raises(UsageError, match="two carrier accounts"):
        site.switch.add_account(CarrierAccount("carrier", "192.0.2.9"), site.now)
    assert site.switch.account_state("carrier") is AccountState.STATIC


def test_an_account_that_is_removed_takes_its_registration_back_and_nothing_is_left_of_it(at_registrar: Site) -> None:
    site = at_registrar
    site.switch.add_account(CarrierAccount(**SECOND, options_s=10), site.now)
    site.run(30.0)
    site.switch.remove_account("second", site.now)
    site.run(1.0)
    assert expiries(site)[-1] == "0"
    with pytest.raises(KeyError):
        site.switch.account_state("second")
    with pytest.raises(UsageError, match="no carrier account"):
        site.switch.place_call("out", "second", NUMBER, OFFER, site.now)
    before = len(site.wire.transits)
    site.run(1000.0)
    assert len(site.wire.transits) == before  # neither refreshed nor asked after
    assert not [e for e in site.wire.events(SWITCH) if isinstance(e, AccountFailed)]


def test_an_account_with_a_call_stays(site: Site) -> None:
    site.carrier_answers()
    site.call()
    with pytest.raises(UsageError, match="1 calls are up on carrier"):
        site.switch.remove_account("carrier", site.now)
    site.switch.hang_up("out", site.now)
    site.run(1.0)
    site.switch.remove_account("carrier", site.now)


def test_a_changed_account_registers_only_once_the_old_registration_is_taken_back(at_registrar: Site) -> None:
    """The registrar would else take the new one back with the old: both name the same contact."""
    site = at_registrar
    site.switch.add_account(CarrierAccount(**SECOND), site.now)
    site.run(1.0)
    site.switch.remove_account("second", site.now)
    site.switch.add_account(CarrierAccount(**SECOND, channels=2), site.now)
    site.run(1.0)
    assert expiries(site) == ["300", "0", "300"]
    assert site.switch.account_state("second") is AccountState.REGISTERED
    assert site.carrier.is_registered("switch", site.now)


def test_a_registrar_that_is_silent_holds_a_changed_account_up_for_no_longer_than_a_transaction(site: Site) -> None:
    site.switch.start(site.now)
    site.switch.add_account(CarrierAccount(**{**SECOND, "host": PHONE.host, "port": 9}), site.now)
    site.run(1.0)
    site.switch.remove_account("second", site.now)
    site.switch.add_account(CarrierAccount(**{**SECOND, "host": PHONE.host, "port": 9}), site.now)
    before = len(site.requests("REGISTER", SWITCH))
    site.run(33.0)
    (fresh,) = {m.headers.get("Call-ID") for m in site.requests("REGISTER", SWITCH)[before:]} - {
        m.headers.get("Call-ID") for m in site.requests("REGISTER", SWITCH)[:before]
    }
    assert fresh


def test_the_carriers_address_is_trusted_while_there_is_an_account_there(defended_site: Any) -> None:
    site = defended_site(Limits())
    site.switch.add_account(CarrierAccount("second", "192.0.2.77"), site.now)
    site.switch.add_account(CarrierAccount("third", "192.0.2.77", addresses=("192.0.2.78",)), site.now)
    assert {"192.0.2.77", "192.0.2.78"} <= site.switch.defence.trusted
    site.switch.remove_account("third", site.now)
    assert "192.0.2.77" in site.switch.defence.trusted
    assert "192.0.2.78" not in site.switch.defence.trusted
    site.switch.remove_account("second", site.now)
    assert "192.0.2.77" not in site.switch.defence.trusted
