"""One whole shift with marked leads, a hostile carrier and nosy people; and what it has left, to be searched."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np

from softswitch.config import load, store_url, vault_key_file
from softswitch.demo.lab import daytime_zone
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.callbacks import CALLED, Callback
from softswitch.store.database import Store
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.capture import Capture
from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.testing.tab import Tab
from softswitch.testing.trunk import TrunkCall
from tests.safeguards.canary_site import CAMPAIGN, DID, PATIENCE_S, CanarySite
from tests.safeguards.hostile_trunk import HostileTrunk
from tests.safeguards.marked_leads import MarkedLead
from tests.safeguards.nosy_people import Browser, NosyPhone, bytes_of

AGENTS = tuple(str(1001 + n) for n in range(8))
NOSY, WATCHED, HEADSTRONG, KIND = AGENTS[-1], AGENTS[0], AGENTS[1], AGENTS[2]
SHARES = {
    Kind.PERSON: 0.1,
    Kind.MACHINE: 0.016,
    Kind.SCREENING: 0.004,
    Kind.DEAD_AIR: 0.004,
    Kind.BUSY: 0.5,
    Kind.REFUSED: 0.12,
    Kind.FAILURE: 0.1,
    Kind.INVALID: 0.1,
    Kind.NO_ANSWER: 0.012,
}
RUDE = 4
CALLERS = 3
LOOK_S = 0.5
SLOW_RING_S = 4.0
"""Of the last people on the list: long enough for every agent to take a pause meanwhile."""
WAITS_S = 5.0
"""And for long enough that nobody but the information message is there for them."""
LAST = 6
HELD_BACK = 60
"""So many leads before the last one dialling pauses until everything else has been looked at."""
PROMISED_S = 15.0
"""So long after a call its callee wants another."""


@dataclass
class Evidence:
    """Everything that left the vault."""

    leads: Sequence[MarkedLead]
    agents_side: dict[str, bytes] = field(default_factory=dict)
    watchers_side: dict[str, bytes] = field(default_factory=dict)
    """What supervisors and administrators saw, metrics and masked traces among it."""
    files: dict[str, bytes] = field(default_factory=dict)
    names: bytes = b""
    """Of files, and what processes show of themselves."""
    media_memory: bytes = b""
    homer: bytes = b""
    carrier_said: bytes = b""
    invited: set[str] = field(default_factory=set)
    cut_off: set[str] = field(default_factory=set)
    """Whose attempt was in the store as the process was killed: whether its INVITE had left, nobody can tell."""
    attempts: list[DialAttempt] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)
    """That were made."""
    answers: set[tuple[str, int]] = field(default_factory=set)
    """(method, status) of what the carrier's requests were answered."""
    statuses: dict[tuple[str, str], int] = field(default_factory=dict)
    """That the watched agent's browser was answered with."""
    secrets: list[bytes] = field(default_factory=list)
    """Keys and passwords."""
    log: str = ""
    lasted_s: float = 0.0


def make_plan(leads: Sequence[MarkedLead], seed: int = 3) -> dict[str, CalleePlan]:
    """Behaviours in `SHARES`, shuffled; callees are quick, so that five hundred fit into a minute."""
    rng = np.random.default_rng(seed)
    counts = {kind: int(len(leads) * share) for kind, share in SHARES.items()}
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    kinds += [Kind.BUSY] * (len(leads) - len(kinds))
    rng.shuffle(kinds)  # type: ignore[arg-type]
    first, rest = kinds[: len(kinds) // 2], kinds[len(kinds) // 2 :]  # what rings for long is not at the end
    kinds = first + [Kind.REFUSED if kind is Kind.NO_ANSWER else kind for kind in rest]
    plan = {}
    for place, (lead, kind) in enumerate(zip(leads, kinds, strict=True)):
        is_last = place >= len(leads) - LAST
        plan[lead.number] = CalleePlan(
            kind=Kind.PERSON if is_last else kind,
            ring_s=SLOW_RING_S if is_last else 0.05,
            talk_s=WAITS_S if is_last else round(float(rng.uniform(0.7, 1.2)), 2),
            status=(486, 600, 480)[place % 3] if kind is Kind.BUSY and not is_last else 0,
            seed=int(rng.integers(2**31)),
        )
    return plan


class Shift:
    def __init__(self, root: Path, leads: Sequence[MarkedLead]) -> None:
        self.evidence = Evidence(leads)
        self._root = root
        self._plan = make_plan(leads)
        self._people = [number for number, plan in self._plan.items() if plan.kind is Kind.PERSON]
        self._phones: dict[str, Phone] = {}
        self._in: set[str] = set()
        """Agents who have begun their shift."""
        self._captures: dict[str, Path] = {}
        self._browsers: list[Browser] = []
        self._watchers: list[Browser] = []
        self._pages: list[Tab] = []
        """Of the kind agent, and the wallboard: live, with every word that their sockets bring."""

    async def work(self) -> Evidence:
        loop = asyncio.get_running_loop()
        began = loop.time()
        homer, self._homer = await loop.create_datagram_endpoint(_Collector, local_addr=("127.0.0.1", 0))
        site = self._site = CanarySite(
            self._root, self.evidence.leads, AGENTS, trunk_port=0, homer_port=homer.get_extra_info("sockname")[1]
        )
        self._trunk = await HostileTrunk.start(self._plan, switch=("127.0.0.1", site.sip_port))
        self._trunk.rude = self._people[:RUDE]
        site.trunk_port = self._trunk.address[1]
        site.write_configuration()
        tasks = [loop.create_task(self._look()), loop.create_task(self._stay_in())]
        try:
            await site.import_leads()
            await site.run()
            await self._begin()
            await self._middle()
            await self._end()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*(phone.stop() for phone in self._phones.values()))
            await site.stop()
            await self._trunk.stop()
            homer.close()
            for browser in (*self._browsers, *self._watchers, *self._pages):
                await browser.close()
        self.evidence.lasted_s = loop.time() - began
        await self._collect()
        return self.evidence

    # The shift

    async def _begin(self) -> None:
        """Agents arrive; the list is dialled; callers call in with numbers that are on it."""
        await self._log_in(*AGENTS)
        await self._open_browsers()
        await self._promise_a_callback()
        await self._dialled(40)
        callers = [
            await self._trunk.call(DID, CalleePlan(Kind.PERSON, talk_s=1.0, seed=n), caller=number)
            for n, number in enumerate(self._people[-LAST - CALLERS : -LAST])
        ]
        nosy = self._phones[NOSY]
        assert isinstance(nosy, NosyPhone)
        nosy.ask_for_everything(("127.0.0.1", self._site.sip_port))
        nosy.press_everything()
        await self._look_around()
        await self._site.until(lambda: all(call.ended for call in callers), "callers have been served")

    async def _middle(self) -> None:
        """The signalling process is killed among calls, and started again."""
        await self._dialled(len(self._plan) * 2 // 5)
        self._site.read_media_memory()
        await self._site.kill()
        left = self._site.files()
        self.evidence.files |= {f"{name}, after the kill": left[name] for name in left if not name.endswith(".ssr")}
        self._site.read_media_memory()
        await self._site.run()
        await self._open_browsers()
        await asyncio.gather(self._look_around(), self._hold_back())

    async def _hold_back(self) -> None:
        """However slow the machine is, the last on the list are dialled when the rest of the shift is over."""
        await self._dialled(max(0, len(self._plan) - HELD_BACK))
        await self._watchers[-1].post(f"/api/campaigns/{CAMPAIGN}/pause")

    async def _end(self) -> None:
        """The last on the list answer while every agent takes a pause; then the shift is over."""
        watcher = self._watchers[-1]
        await watcher.post(f"/api/campaigns/{CAMPAIGN}/start")
        for _ in range(LAST):  # until a pause came in time
            done = len(self._slow())
            await self._site.until(lambda done=done: len(self._slow()) > done, "somebody slow is called")
            await asyncio.gather(*(watcher.post(f"/api/agents/{agent}/pause", {"code": "break"}) for agent in AGENTS))
            await self._site.until(lambda: all(call.ended for call in self._slow()), "nobody slow is in a call")
            await asyncio.gather(*(watcher.post(f"/api/agents/{agent}/ready") for agent in AGENTS))
            if (await self._campaign())["abandoned_today"]:
                break
        while await self._leads_due() or not all(call.ended for call in self._trunk.calls):
            await asyncio.sleep(LOOK_S)
        await self._look_around()

    async def _leads_due(self) -> bool:
        """But for those whose calls the kill cut off before anybody knew what came of them."""
        return (await self._campaign())["leads_left"] > self._site.leads_put_off()

    def _slow(self) -> list[TrunkCall]:
        people = set(self._people[-LAST:])
        return [call for call in self._trunk.calls if call.number in people]

    async def _campaign(self) -> dict[str, int]:
        found: dict[str, int] = (await self._watchers[-1].get(f"/api/campaigns/{CAMPAIGN}")).json()
        return found

    async def _dialled(self, count: int) -> None:
        await self._site.until(lambda: len(self._invited()) >= count, f"{count} leads are dialled")

    def _invited(self) -> set[str]:
        return {entry["number"] for entry in self._trunk.journal.of("invite")}

    async def _log_in(self, *agents: str) -> None:
        for agent in agents:
            kind = NosyPhone if agent == NOSY else Phone
            path = self._captures[agent] = self._root / f"{agent}.pcap"
            settings = PhoneSettings(agent, agent, self._site.phone_password(agent))
            server = ("127.0.0.1", self._site.sip_port)
            phone = self._phones[agent] = await kind.start(server, settings, capture=Capture(path))
            await asyncio.wait_for(phone.registered.wait(), PATIENCE_S)
            await phone.dial("login")
            await asyncio.wait_for(phone.talking.wait(), PATIENCE_S)
            self._in.add(agent)

    async def _stay_in(self) -> None:
        """Agents whose shift-long call has ended, as after a long time without a signalling process, log in again."""
        while True:
            await asyncio.sleep(LOOK_S)
            for phone in self._phones.values():
                if phone.registered.is_set() and not phone.conversations and phone.settings.agent in self._in:
                    await phone.dial("login")

    async def _open_browsers(self) -> None:
        """Sessions end with the process; what was shown before stays in evidence."""
        url = self._site.url
        for agent in (WATCHED, HEADSTRONG):
            self._browsers.append(Browser(url, agent, self._site.pin(agent)))
            await self._browsers[-1].log_in()
        self._watchers.append(Browser(url, "administrator", self._site.password))
        await self._watchers[-1].log_in()
        pages = ((KIND, self._site.pin(KIND), "/agent"), ("administrator", self._site.password, "/"))
        for name, password, path in pages:
            page = Tab(url)
            self._pages.append(page)
            assert await page.log_in(name, password) == 303
            await page.open(path)

    async def _promise_a_callback(self) -> None:
        """As an agent does it on the page, as soon as somebody is there."""
        page, watcher = self._pages[-2], self._watchers[-1]
        async with asyncio.timeout(PATIENCE_S):
            while not (await watcher.get(f"/api/campaigns/{CAMPAIGN}/callbacks")).json():
                when = datetime.now(ZoneInfo(daytime_zone())) + timedelta(seconds=PROMISED_S)
                told = {"what": "appointment", "day": f"{when:%Y-%m-%d}", "time": f"{when:%H:%M:%S}", "own": False}
                await page.act("agent_screen", "act", told)
                await asyncio.sleep(LOOK_S)

    async def _look_around(self) -> None:
        """Everybody looks at everything, at calls that are up and at what an agent is shown of them."""
        watcher, (watched, headstrong) = self._watchers[-1], self._browsers[-2:]
        for _ in range(3):
            for browser in (watched, headstrong):
                await browser.get(f"/api/agents/{browser.name}/call")
        calls = (await watcher.get("/api/calls")).json()
        call = calls[0]["call_ref"] if calls else "x"
        await asyncio.gather(
            watcher.look_everywhere(call_ref=call, call=call, agent=WATCHED, name=CAMPAIGN, campaign=CAMPAIGN),
            watched.look_everywhere(call_ref=call, call=call, agent=HEADSTRONG, name=CAMPAIGN),
        )
        await headstrong.post(f"/api/agents/{WATCHED}/pause", {"code": "x"})
        await headstrong.post("/api/calls/x/hangup")

    async def _look(self) -> None:
        while True:
            await asyncio.to_thread(self._site.look)
            for browser in self._browsers[-2:]:
                with suppress(httpx.HTTPError):  # while there is no signalling process
                    for path in (f"/api/agents/{browser.name}/call", f"/api/agents/{browser.name}/page", "/agent"):
                        await browser.get(path)
            await asyncio.sleep(LOOK_S)

    # What it leaves

    async def _collect(self) -> None:
        evidence, site = self.evidence, self._site
        for agent, path in self._captures.items():
            evidence.agents_side[f"phone of {agent}"] = path.read_bytes()
        evidence.agents_side["browsers of agents"] = bytes_of(*self._browsers)
        evidence.agents_side["live page of an agent"] = words_of(*self._pages[::2])
        evidence.watchers_side["browsers of administrators"] = bytes_of(*self._watchers)
        evidence.watchers_side["wallboard"] = words_of(*self._pages[1::2])
        evidence.homer = b"\n".join(self._homer.heard)
        evidence.files |= site.files()
        evidence.names = "\n".join(sorted(site.names_seen)).encode() + b"\n".join(site.texts_of_processes)
        evidence.media_memory = b"".join(site.media_memory)
        evidence.carrier_said = self._trunk.said
        evidence.answers = self._trunk.answers
        evidence.invited = self._invited()
        evidence.statuses = {key: value for each in self._browsers[::2] for key, value in each.statuses.items()}
        evidence.log = site.log.read_text()
        evidence.secrets = site.secrets()
        settings = load(site.configuration)
        store = await Store.open(store_url(settings), vault_key_file(settings))
        try:
            evidence.callbacks = await store.callbacks(CAMPAIGN, (CALLED,))
            evidence.attempts = [attempt async for attempt in store.attempts_between()]
            numbers = await store.numbers_of(CAMPAIGN)
            cut_off = (each for each in evidence.attempts if each.invited_at == each.committed_at)
            evidence.cut_off = {numbers[each.lead_ref] for each in cut_off if each.lead_ref in numbers}
        finally:
            await store.close()


def words_of(*pages: Tab) -> bytes:
    """What a live page was sent as HTML, and over its socket."""
    return "\n".join(word for page in pages for word in (page.html, *page.messages)).encode()


class _Collector(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.append(data)
