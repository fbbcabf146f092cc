"""Where the carriers are: their names are looked up before the first call, and again before what DNS said is over."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from softswitch.config import Settings, carrier_account
from softswitch.errors import UsageError
from softswitch.sip.locating import is_address
from softswitch.transports.driver import Driver
from softswitch.transports.resolver import Location, Resolver, Unresolvable
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.pool import UserAgentPool

log = structlog.get_logger(__name__)

START_S = 6.0
"""How long the start waits for DNS. A carrier that is not found by then is unusable until it is."""
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0
"""Pauses between tries while DNS fails."""
_SENT = ("UDP", "TCP", "TLS")


class CarrierAddresses:
    """Feeds the pool with the servers of each carrier that is known by name, until `close`.

    While DNS fails, or denies a name that it knew, the servers found last stay in use.
    """

    def __init__(
        self,
        pool: UserAgentPool,
        driver: Driver,
        accounts: Sequence[CarrierAccount],
        resolver: Resolver,
        *,
        transports: Sequence[str] = _SENT,
        families: Sequence[str] = ("A", "AAAA"),
    ) -> None:
        self._pool = pool
        self._driver = driver
        self._accounts = [account for account in accounts if not is_address(account.host)]
        self._resolver = resolver
        self._transports = tuple(transports)
        self._families = tuple(families)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By account."""
        self.on_found: Callable[[str], None] | None = None
        """Told of each account that was looked up."""

    async def start(self) -> None:
        """Look every name up, and go on doing so. UsageError for a name that DNS denies: it is mistyped.

        One whose servers the process before knew is not waited for.
        """
        for account in self._accounts:
            first = self._begin(account)
            if self._pool.hops_of(account.name):
                continue
            try:
                await asyncio.wait_for(asyncio.shield(first), START_S)
            except TimeoutError:
                log.error("carrier not found yet", trunk=account.name, reason="DNS does not answer")
            except Unresolvable as error:
                if error.denied:
                    self.close()
                    raise UsageError(f"trunk {account.name!r}: host {account.host}: {error}") from error
                log.error("carrier not found yet", trunk=account.name, reason=str(error))

    def follow(self, account: CarrierAccount) -> None:
        """Look a new account's name up, and go on doing so; one that DNS denies is asked for again, as the others."""
        if not is_address(account.host):
            self._begin(account)
        elif self.on_found is not None:
            self.on_found(account.name)

    def forget(self, name: str) -> None:
        """An account is used no more, or another one takes its name."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _begin(self, account: CarrierAccount) -> asyncio.Task[Location]:
        first = asyncio.create_task(self._find(account), name=f"carrier {account.name}")
        self._tasks[account.name] = asyncio.create_task(self._follow(account, first), name=f"carrier {account.name}")
        first.add_done_callback(_take_notice)
        return first

    async def _find(self, account: CarrierAccount) -> Location:
        location = await self._resolver.locate(
            account.host,
            port=account.port,
            transport=account.transport,
            transports=self._transports,
            families=self._families,
        )
        with self._driver.mutating(self._pool) as now:
            self._pool.set_targets(account.name, location.servers, now)
        if self.on_found is not None:
            self.on_found(account.name)
        return location

    async def _follow(self, account: CarrierAccount, first: asyncio.Task[Location]) -> None:
        finding: asyncio.Future[Location] | asyncio.Task[Location] = first
        pause_s, was_stale = FIRST_PAUSE_S, False
        while True:
            try:
                location = await finding
            except Unresolvable as error:
                log.warning("carrier's name not found, its last servers stay", trunk=account.name, reason=str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                pause_s = FIRST_PAUSE_S
                if location.is_stale and not was_stale:
                    log.warning("DNS fails, the carrier's last servers stay", trunk=account.name)
                was_stale = location.is_stale
                if location.refresh_s is None:
                    return
                await asyncio.sleep(location.refresh_s)
            finding = asyncio.ensure_future(self._find(account))


def _take_notice(task: "asyncio.Task[Location]") -> None:
    if not task.cancelled():
        task.exception()


async def find_carriers(settings: Settings, driver: Driver, pool: UserAgentPool) -> CarrierAddresses:
    """Look up the carriers of a site, by the transports and IP versions that it speaks."""
    sip = settings.sip
    hosts = (sip.address, *sip.addresses)
    addresses = CarrierAddresses(
        pool,
        driver,
        [carrier_account(trunk) for trunk in settings.trunks],
        Resolver(),
        transports=[each for each in _SENT if each != "UDP" or "udp" in sip.transports],
        families=[kind for kind, is_v6 in (("A", False), ("AAAA", True)) if any((":" in h) == is_v6 for h in hosts)],
    )
    await addresses.start()
    return addresses
