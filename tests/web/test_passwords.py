import asyncio
from typing import ClassVar

from memory_people import MemoryAccounts, quick_passwords

from softswitch.web.accounts import Account, Role
from softswitch.web.authentication import Authenticator, Refused
from softswitch.web.passwords import ADMINISTRATOR, Passwords, first_start, is_first


def test_the_first_start_makes_one_administrator_and_shows_the_password_once() -> None:
    async def story() -> None:
        accounts = MemoryAccounts()
        passwords = quick_passwords()
        password = await first_start(accounts, passwords)
        assert password is not None
        assert len(password) >= 20
        assert await first_start(accounts, passwords) is None
        password_hash, role = accounts.rows[ADMINISTRATOR]
        assert role == Role.ADMINISTRATOR
        assert password not in password_hash
        assert is_first(password_hash) and not is_first(await passwords.hash(password)) and not is_first("")
        who = await Authenticator(accounts, passwords).check(ADMINISTRATOR, password, "127.0.0.1")
        assert who == Account(ADMINISTRATOR, Role.ADMINISTRATOR)
        passwords.close()

    asyncio.run(story())


def test_passwords_are_kept_as_argon2id() -> None:
    async def story() -> None:
        passwords = Passwords()
        hashed = await passwords.hash("secret")
        passwords.close()
        assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")

    asyncio.run(story())


def test_the_loop_goes_on_while_a_password_is_hashed() -> None:
    async def story() -> None:
        passwords = Passwords()
        hashing = asyncio.ensure_future(passwords.hash("secret"))
        turns = 0
        while not hashing.done():
            turns += 1
            await asyncio.sleep(0)
        passwords.close()
        assert turns > 10

    asyncio.run(story())


def test_an_unknown_name_costs_a_hash_as_a_known_one_does_and_fails() -> None:
    class Counting(Passwords):
        checked: ClassVar[list[bool]] = []

        def _verify(self, password_hash: str | None, password: str) -> bool:
            self.checked.append(password_hash is not None)
            return super()._verify(password_hash, password)

    async def story() -> None:
        passwords = Counting(quick_passwords()._hasher)
        authenticator = Authenticator(MemoryAccounts.with_everybody(), passwords)
        assert await authenticator.check("nobody", "guess", "10.0.0.9") == Refused()
        assert await authenticator.check("ada", "guess", "10.0.0.9") == Refused()
        assert await authenticator.check("nu\0l", "guess", "10.0.0.9") == Refused()
        assert Counting.checked == [False, True, False]
        passwords.close()

    asyncio.run(story())


def test_a_damaged_hash_or_an_unknown_role_in_the_store_lets_nobody_in() -> None:
    async def story() -> None:
        passwords = quick_passwords()
        accounts = MemoryAccounts.with_everybody()
        accounts.rows["ada"] = ("not a hash", Role.ADMINISTRATOR)
        accounts.rows["sue"] = (accounts.rows["sue"][0], "owner")
        authenticator = Authenticator(accounts, passwords)
        assert await authenticator.check("ada", "correct horse battery", "10.0.0.9") == Refused()
        assert await authenticator.check("sue", "correct horse battery", "10.0.0.9") == Refused()
        passwords.close()

    asyncio.run(story())


def test_a_burst_of_guesses_at_the_same_moment_does_not_slip_past_the_lockout() -> None:
    async def story() -> None:
        passwords = quick_passwords()
        authenticator = Authenticator(MemoryAccounts.with_everybody(), passwords, clock=lambda: 0.0)
        answers = await asyncio.gather(*(authenticator.check("ada", f"guess {n}", "10.0.0.9") for n in range(50)))
        looked_at = [answer for answer in answers if answer == Refused()]
        assert len(looked_at) == 5
        passwords.close()

    asyncio.run(story())
