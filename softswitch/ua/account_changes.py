"""Carrier accounts that come and go while the pool runs."""

from softswitch.errors import UsageError
from softswitch.sip.locating import Chance
from softswitch.ua.accounts import Carrier, CarrierAccount, check_accounts
from softswitch.ua.defence import Defence
from softswitch.ua.dispatch import Dispatch
from softswitch.ua.health import HealthDesk
from softswitch.ua.registrations import RegistrationDesk


class AccountChanges:
    """The part of `UserAgentPool` that takes accounts in and gives them up."""

    _carriers: dict[str, Carrier]
    _health: HealthDesk
    _registrations: RegistrationDesk
    _dispatch: Dispatch
    _chance: Chance
    defence: Defence | None

    def add_account(self, account: CarrierAccount, now: float) -> None:
        """Take an account in: it registers at once where it is to, and is asked after as the others are.

        Raises UsageError where there is one of its name, or it makes no sense.
        """
        check_accounts([*(each.account for each in self._carriers.values()), account], [])
        carrier = self._carriers[account.name] = Carrier(account, self._chance)
        if self.defence is not None:
            self.defence.trust(_hosts_of(carrier))
        self._health.add(carrier, now)
        self._registrations.add(carrier, now)
        self._dispatch.pump(now)

    def remove_account(self, name: str, now: float) -> None:
        """Give an account up: its registration is taken back, and its calls are a stranger's from now on.

        Raises KeyError for an unknown account, UsageError while it carries a call.
        """
        carrier = self._carriers[name]
        if carrier.calls:
            raise UsageError(f"{carrier.calls} calls are up on {name}: let them end first")
        del self._carriers[name]
        if self.defence is not None:
            staying = {host for each in self._carriers.values() for host in _hosts_of(each)}
            self.defence.trusted.difference_update(_hosts_of(carrier) - staying)
        self._health.remove(carrier)
        self._registrations.remove(carrier, now)
        self._dispatch.pump(now)


def _hosts_of(carrier: Carrier) -> set[str]:
    """Where its calls may come from, as the pool's constructor and `set_targets` trust it."""
    account = carrier.account
    return {account.host, *account.addresses, *(hop.host for hop in carrier.targets.hops)}
