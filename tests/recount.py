"""A day counted again from the journal alone: no table but the journal's, none of the report's code, another route.

Each call is told as its entries tell it, in seconds since the epoch, and asked rule by rule what it was. Written from
RULES_OF_DIALLING, so that a rule misread in the product is not misread here in the same line.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from softswitch.store.journal import Entry

RULE_S = 2.0
MINIMUM_RING_S = 15.0 - 0.02
LOCK_S = {"abandoned": 72 * 3600.0, "machine": 24 * 3600.0}
NOBODY = ("machine", "silence", "screened")


@dataclass
class Told:
    """One call as its entries tell it."""

    lead_ref: str = ""
    campaign: str = ""
    kinds: set[str] = field(default_factory=set)
    columns: dict[str, Any] = field(default_factory=dict)

    def at(self, name: str) -> float | None:
        value = self.columns.get(f"{name}_at")
        return None if value is None else datetime.fromisoformat(value).timestamp()

    def local(self, name: str, zone: str) -> datetime:
        moment = self.at(name)
        assert moment is not None
        return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone))

    @property
    def is_machine(self) -> bool:
        return bool(self.columns.get("amd_acted"))

    @property
    def is_abandoned(self) -> bool:
        return bool(self.columns.get("abandoned"))

    @property
    def end(self) -> str:
        return str(self.columns.get("disposition", ""))

    def due(self) -> tuple[float, float | None]:
        """When somebody had to be heard: by the answer's clock and by the greeting's."""
        answer, voice = self.at("answered"), self.at("speech")
        assert answer is not None
        greeting = None if voice is None else voice + RULE_S
        if self.columns.get("amd_verdict") == "TONE" and not self.is_machine and greeting is not None:
            return greeting, greeting
        return answer + RULE_S, greeting

    def late_by(self, due: float | None) -> bool:
        """An abandoned call that is one by this clock alone."""
        if due is None:
            return False
        agent, message, end = self.at("bridged"), self.at("message"), self.at("ended")
        if agent is not None:
            return agent > due or agent <= min(each for each in self.due() if each is not None)
        return message is not None or end is None or end > due


def tell(entries: Iterable[Entry]) -> dict[str, Told]:
    """Every call that the journal knows."""
    calls: dict[str, Told] = {}
    for entry in entries:
        if not entry.call_ref or entry.kind in ("agent", "lead", "reviewed"):
            continue
        told = calls.setdefault(entry.call_ref, Told())
        if entry.kind == "committed":
            told.lead_ref, told.campaign = entry.lead_ref, entry.campaign
        told.kinds.add(entry.kind.value)
        told.columns.update(entry.content)
    return calls


def recount(
    calls: Mapping[str, Told], campaign: str, day: date, zone: str, numbers: Mapping[str, Hashable]
) -> dict[str, Any]:
    """A day's figures under the names of the report's; numbers: what tells the numbers of leads apart."""
    figures: dict[str, Any] = defaultdict(int)
    rests = defaultdict(list)
    for ref, each in calls.items():
        ended = each.at("ended")
        if ended is not None and (each.is_abandoned or each.is_machine):
            why = "abandoned" if each.is_abandoned else "machine"
            rests[numbers.get(each.lead_ref, each.lead_ref)].append((ended, ref, why))
    for ref, each in calls.items():
        if each.campaign != campaign or not each.lead_ref:
            continue
        if each.at("invited") is not None and each.local("committed", zone).date() == day:
            _count_dial(figures, ref, each, zone, rests[numbers.get(each.lead_ref, each.lead_ref)])
        if each.at("answered") is not None and each.local("answered", zone).date() == day:
            _count_answer(figures, each)
    live, missed = figures["connected"], figures["abandoned"]
    figures["rate_without_amd"] = missed / (missed + live) if missed else 0.0
    figures["live_answers"] = live + missed + figures["hung_up"]
    return dict(figures)


def _count_dial(figures: dict[str, Any], ref: str, each: Told, zone: str, rests: list[tuple[float, str, str]]) -> None:
    at, ringing, end = each.at("invited"), each.at("ringing"), each.at("ended")
    assert at is not None
    figures["dials"] += 1
    figures["without_caller_id"] += not each.columns.get("caller_id")
    local = each.local("invited", each.columns.get("time_zone") or zone)
    figures["outside_hours"] += not 9 <= local.hour < 21
    if each.at("answered") is None and ringing is not None and end is not None:
        figures["rings_cut_short"] += each.columns.get("sip_status") == 487 and end - ringing < MINIMUM_RING_S
    if not each.columns.get("guaranteed"):
        kept = [why for ended, other, why in rests if other != ref and 0 <= at - ended < LOCK_S[why]]
        if kept:
            figures["within_abandoned_lock" if "abandoned" in kept else "within_machine_lock"] += 1


def _count_answer(figures: dict[str, Any], each: Told) -> None:
    agent, message = each.at("bridged"), each.at("message")
    from_answer, from_greeting = each.due()
    figures["answers"] += 1
    figures["silent"] += bool(each.columns.get("silent"))
    figures["hung_up"] += each.end == "hung-up"
    if each.is_machine:
        figures["ended_by_amd"] += 1
    if agent is not None and not each.is_abandoned:
        if not each.is_machine and each.end in NOBODY:
            figures["machines_with_agents"] += 1
        elif not each.is_machine:
            figures["connected"] += 1
    if not each.is_abandoned:
        return
    figures["abandoned"] += 1
    figures["abandoned_from_answer"] += each.late_by(from_answer)
    figures["abandoned_from_greeting"] += each.late_by(from_greeting)
    if message is not None:
        in_time = message <= from_answer and (from_greeting is None or message <= from_greeting)
        figures["message_in_time" if in_time else "message_late"] += 1
    else:
        figures["agent_late" if agent is not None else "message_missing"] += 1
