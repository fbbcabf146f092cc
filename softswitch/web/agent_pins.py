"""Agents' PINs from the site's file, for agents who have no account of their own in the store."""

from collections.abc import Mapping

from softswitch.web.accounts import AccountRow, People, Role, Row
from softswitch.web.passwords import Passwords


class WithPins:
    """`People` of the store, and beside them the agents of the configuration. Who is in the store counts by that."""

    def __init__(self, people: People, pins: Mapping[str, str], passwords: Passwords) -> None:
        self._people = people
        self._pins = pins
        self._passwords = passwords
        self._hashes: dict[str, str] = {}
        self.add_account = people.add_account
        self.accounts = people.accounts
        self.people = people.people
        self.set_totp = people.set_totp
        self.use_totp_step = people.use_totp_step
        self.set_disabled = people.set_disabled

    async def person(self, name: str) -> AccountRow | None:
        found = await self._people.person(name)
        if found is not None or name not in self._pins:
            return found
        if name not in self._hashes:
            hashed = await self._passwords.hash(self._pins[name])
            self._hashes.setdefault(name, hashed)
        return Row(name, self._hashes[name], Role.AGENT)

    async def account(self, name: str) -> tuple[str, str] | None:
        found = await self.person(name)
        return None if found is None else (found.password_hash, found.role)
