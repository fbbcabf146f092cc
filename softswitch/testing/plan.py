"""A plan for the lab trunk: which number behaves how; and the leads that go with it.

The numbers are Ofcom's, reserved for drama: they ring nowhere, and `phonenumbers` takes them for valid.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from softswitch.errors import UsageError
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.clips import clips
from softswitch.testing.marker import CALLEE_MARKERS_HZ

Plan = dict[str, CalleePlan]

# Ofcom, "Telephone numbers for drama use": geographic ranges of 1,000 numbers each.
DRAMA_RANGES = {
    "London": "+442079460",
    "Manchester": "+441614960",
    "Leeds": "+441134960",
    "Birmingham": "+441214960",
    "Glasgow": "+441414960",
    "Edinburgh": "+441314960",
    "Reading": "+441184960",
    "Belfast": "+442896496",
    "Cardiff": "+442920180",
}
# The shares of the demo's sixty leads.
SHARES = {
    Kind.PERSON: 24,
    Kind.MACHINE: 12,
    Kind.SCREENING: 2,
    Kind.BUSY: 8,
    Kind.NO_ANSWER: 4,
    Kind.REFUSED: 4,
    Kind.FAILURE: 4,
    Kind.INVALID: 2,
}
_FIRST_NAMES = (
    "Aisha",
    "Bruno",
    "Carys",
    "Dev",
    "Elspeth",
    "Farid",
    "Grace",
    "Hamish",
    "Ines",
    "Jonah",
    "Keira",
    "Lewis",
)
_LAST_NAMES = ("Abbott", "Begum", "Campbell", "Doyle", "Evans", "Fraser", "Green", "Hughes", "Iqbal", "Jones", "Kelly")


@dataclass(frozen=True, slots=True)
class LabLead:
    """One row of a lead list, of nobody."""

    phone_number: str
    """E.164 with the plus sign."""
    first_name: str
    last_name: str
    city: str
    vendor_lead_code: str


def make_leads(count: int, seed: int = 1) -> list[LabLead]:
    """So many leads with different numbers; the same for the same seed.  count: at most 1,000 a range."""
    if count > 1000 * len(DRAMA_RANGES):
        raise UsageError(f"only {1000 * len(DRAMA_RANGES)} numbers are reserved for drama; ask for fewer leads")
    rng = np.random.default_rng(seed)
    cities = tuple(DRAMA_RANGES)
    drawn = rng.choice(1000 * len(cities), size=count, replace=False)
    leads = []
    for i, number in enumerate(drawn):
        city = cities[int(number) // 1000]
        first = _FIRST_NAMES[int(rng.integers(len(_FIRST_NAMES)))]
        last = _LAST_NAMES[int(rng.integers(len(_LAST_NAMES)))]
        leads.append(LabLead(f"{DRAMA_RANGES[city]}{int(number) % 1000:03d}", first, last, city, f"LAB-{i + 1:04d}"))
    return leads


def make_plan(leads: Sequence[LabLead], seed: int = 1) -> Plan:
    """A behaviour for each lead in the demo's shares, shuffled; the same for the same seed."""
    rng = np.random.default_rng(seed)
    kinds = _kinds(len(leads))
    rng.shuffle(kinds)
    greetings = [clip.name for clip in clips("machine") if clip.name.startswith("machine-greeting-")]
    plan: Plan = {}
    for i, (lead, kind) in enumerate(zip(leads, kinds, strict=True)):
        machines_so_far = sum(p.kind is Kind.MACHINE for p in plan.values())
        plan[lead.phone_number] = CalleePlan(
            kind=kind,
            ring_s=round(float(rng.uniform(0.5, 2.5)), 2),
            clip=greetings[machines_so_far % len(greetings)] if kind is Kind.MACHINE else "",
            talk_s=round(float(rng.uniform(6.0, 10.0)), 1),
            # Neighbours on the list differ, so that calls in progress together can be told apart.
            marker_hz=CALLEE_MARKERS_HZ[i % len(CALLEE_MARKERS_HZ)],
            seed=int(rng.integers(2**31)),
        )
    return plan


def _kinds(count: int) -> list[Kind]:
    """The shares scaled to `count` by largest remainders."""
    total = sum(SHARES.values())
    whole = {kind: count * share // total for kind, share in SHARES.items()}
    by_remainder = sorted(SHARES, key=lambda kind: -(count * SHARES[kind] % total))
    for kind in by_remainder[: count - sum(whole.values())]:
        whole[kind] += 1
    return [kind for kind, number in whole.items() for _ in range(number)]


def write_plan(plan: Plan, path: Path) -> None:
    path.write_text(json.dumps({number: asdict(callee) for number, callee in plan.items()}, indent=1), encoding="utf-8")


def read_plan(path: Path) -> Plan:
    """Raises UsageError naming the number whose entry is wrong."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: not JSON: {error}") from None
    plan: Plan = {}
    for number, entry in entries.items():
        try:
            plan[number] = CalleePlan(**{**entry, "kind": Kind(entry["kind"])})
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{path}: {number}: {error}") from None
    return plan
