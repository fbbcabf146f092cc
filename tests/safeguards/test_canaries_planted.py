"""Leaks planted on purpose, each where a mistake could make one: the search that proves a shift clean finds every one.

One short shift with six marked leads; each plant gives one of them away by a real path, from where the mistake would be
to the wire, the page or the disk.
"""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import uvloop

from softswitch.exchange.calls import dialled
from softswitch.exchange.calls.records import Records
from softswitch.exchange.desks import agent as agent_desk
from softswitch.exchange.desks import desk
from softswitch.exchange.telephony.lines import Lines
from softswitch.logs import write_logs_to
from softswitch.media import slots
from softswitch.safeguards.wallboard import TrunkView
from softswitch.switch import Switch
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.canaries import Canaries
from softswitch.testing.capture import Capture
from softswitch.testing.phone import Phone, PhoneSettings
from tests.interop.site import PASSWORDS, address_of
from tests.safeguards.marked_leads import MarkedLead, marked_leads
from tests.scenarios.conftest import Floor, floor

PLACES = ("header", "log", "metric", "file name", "CNAME", "page")
LEADS = dict(zip(PLACES, marked_leads(len(PLACES), seed=11), strict=True))
BASE64_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
AGENT = "1001"


def national(lead: MarkedLead) -> str:
    return f"0{lead.number[3:]}"


class Plants:
    """Each method is one mistake."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.switch: Switch | None = None

    def plant(self) -> None:
        self._in_the_name_of_an_agents_caller()
        self._in_a_log_line()
        self._in_a_metric()
        self._in_a_file_name()
        self._in_the_cname_of_a_leg()
        self._in_an_agents_page()

    def _is(self, call_ref: str, lead: MarkedLead) -> bool:
        assert self.switch is not None
        for dialler in self.switch.site.diallers:
            try:
                return dialler.lead_of(call_ref).number == lead.number
            except KeyError:
                continue
        return False

    def _in_the_name_of_an_agents_caller(self) -> None:
        """Spaced, as the display name of the INVITE that rings the agent's phone."""
        ring_phone, lead = Lines.ring_phone, LEADS["header"]

        def leaking(lines: Lines, leg_id: str, agent: str, call_ref: str, *rest: Any) -> Any:
            shown = f"{lead.number[3:6]} {lead.number[6:]}" if self._is(call_ref, lead) else call_ref
            return ring_phone(lines, leg_id, agent, shown, *rest)

        self._patch.setattr(Lines, "ring_phone", leaking)

    def _in_a_log_line(self) -> None:
        """As an unsalted digest, which no redaction knows."""
        save, lead = Records.save_attempt, LEADS["log"]

        def leaking(records: Records, attempt: Any) -> None:
            if self._is(attempt.call_ref, lead):
                key = hashlib.sha1(national(lead).encode()).hexdigest()
                structlog.get_logger("exchange").warning("attempt saved", key=key)
            save(records, attempt)

        self._patch.setattr(Records, "save_attempt", leaking)

    def _in_a_metric(self) -> None:
        """With dots, as the name of a trunk."""
        number = LEADS["metric"].number
        leaked = f"{number[1:3]}.{number[3:7]}.{number[7:]}"
        self._patch.setattr(desk, "TrunkView", lambda name, *rest: TrunkView(f"{name} {leaked}", *rest))

    def _in_a_file_name(self) -> None:
        """Backwards, as the name of a recording."""
        file_name, lead = dialled.file_name, LEADS["file name"]

        def leaking(call_ref: str) -> str:
            return file_name(national(lead)[::-1] if self._is(call_ref, lead) else call_ref)

        self._patch.setattr(dialled, "file_name", leaking)

    def _in_the_cname_of_a_leg(self) -> None:
        """In the digits of base 64 of which a CNAME is made."""
        text = national(LEADS["CNAME"]).ljust(16, "z")
        halves = [sum(BASE64_DIGITS.index(text[8 * half + n]) << 6 * n for n in range(8)) for half in range(2)]
        randbits = slots.secrets.randbits
        drawn: list[int] = []

        def leaking(bits: int) -> int:
            if bits != 63:
                return randbits(bits)
            drawn.append(bits)
            return halves[1 - len(drawn) % 2]

        self._patch.setattr(slots, "secrets", type("secrets", (), {"randbits": staticmethod(leaking)}))

    def _in_an_agents_page(self) -> None:
        """A street among the fields that an agent is shown, in base 64."""
        view, lead = agent_desk.agent_call_view, LEADS["page"]

        def leaking(attempt: Any, of: Any, campaign: Any, **more: Any) -> Any:
            shown = view(attempt, of, campaign, **more)
            if of.number != lead.number:
                return shown
            return replace(shown, fields={**shown.fields, "id": base64.b64encode(lead.street.encode()).decode()})

        self._patch.setattr(agent_desk, "agent_call_view", leaking)


async def short_shift(root: Path, plants: Plants) -> dict[str, bytes]:
    """What each place held at its end."""
    plan = {
        lead.number: CalleePlan(Kind.PERSON, ring_s=0.1, talk_s=1.0, seed=place)
        for place, lead in enumerate(LEADS.values())
    }
    capture = root / "phone.pcap"
    changes = f'id = "{AGENT}" -> id = "{AGENT}"\\nconnect = "ring-per-call"'
    async with floor(root / "site", plan, changes=changes, amd="off") as site:
        plants.switch = site.switch
        settings = PhoneSettings(AGENT, AGENT, PASSWORDS[AGENT])
        phone = site.phones[AGENT] = await Phone.start(address_of(site.switch), settings, capture=Capture(capture))
        await asyncio.wait_for(phone.registered.wait(), 120)
        await phone.dial("login")
        await site.until(lambda: site.state(AGENT) == "ready", "the agent is ready")
        await site.start()
        watched = await watch(site)
    names = "\n".join(str(path) for path in (root / "site").rglob("*")).encode()
    held = {"phone": capture.read_bytes(), "log": (root / "log").read_bytes(), "names": names, **watched}
    return {"header": held["phone"], "CNAME": held["phone"], "file name": names, **held}


async def watch(site: Floor) -> dict[str, bytes]:
    """Until every lead was called: what an agent's and an administrator's browser are answered."""
    auth = ("administrator", site.switch.first_password or "")
    pages: list[bytes] = []
    async with httpx.AsyncClient(base_url=site.switch.web_url, auth=auth) as client:
        await site.until(lambda: site.invites() >= 1, "somebody is called")
        ended = 0
        while ended < len(LEADS):
            pages.append((await client.get(f"/api/agents/{AGENT}/call")).content)
            ended = sum(call.ended for call in site.trunk.calls)
            await asyncio.sleep(0.1)
        metrics = (await client.get("/metrics")).content
    return {"page": b"\n".join(pages), "metric": metrics}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    root = tmp_path_factory.mktemp("planted")
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    with pytest.MonkeyPatch.context() as patch:
        write_logs_to(root / "log")
        try:
            plants = Plants(patch)
            plants.plant()
            yield uvloop.run(short_shift(root, plants))
        finally:
            for handler in logger.handlers:
                handler.close()
            logger.handlers[:] = handlers
            logger.setLevel(level)
            structlog.reset_defaults()


@pytest.fixture(scope="module")
def search() -> Canaries:
    return Canaries(lead.canary for lead in LEADS.values())


EXPECTED: dict[str, tuple[set[str], Callable[[str], bool]]] = {
    # what else is in the same bytes, and how this one is seen
    "header": ({"CNAME"}, lambda how: how == "digits"),
    "log": (set(), lambda how: how.startswith("sha1 of")),
    "metric": (set(), lambda how: how == "digits"),
    "file name": (set(), lambda how: how == "digits reversed"),
    "CNAME": ({"header"}, lambda how: how == "digits"),
    "page": (set(), lambda how: how.startswith("word")),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_leak_that_was_planted_is_found_and_nothing_else(
    place: str, places: dict[str, bytes], search: Canaries
) -> None:
    beside, is_so = EXPECTED[place]
    sightings = search.sightings(places[place])
    assert {each.canary for each in sightings} == {LEADS[each].canary for each in {place, *beside}}
    assert any(is_so(each.what) for each in sightings if each.canary == LEADS[place].canary), sightings
