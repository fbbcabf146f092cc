"""Leads whose numbers, names and addresses are found nowhere else, and the file that they are imported from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from softswitch.testing.canaries import Canary
from softswitch.testing.plan import make_leads

SYLLABLES = ("bax", "dwy", "fez", "gij", "hok", "juv", "kyz", "moq", "nuw", "pev")
TOPIC = "gardening"
"""The one field that the campaign shows to its agents."""


@dataclass(frozen=True, slots=True)
class MarkedLead:
    number: str
    first_name: str
    last_name: str
    street: str

    @property
    def canary(self) -> Canary:
        return Canary(self.number, (self.first_name, self.last_name, self.street))


def marked_leads(count: int, seed: int = 7) -> list[MarkedLead]:
    """So many; words and numbers differ between any two.  count: at most 1000."""
    words = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
    return [
        MarkedLead(lead.phone_number, f"Q{word}", f"Vr{word}", f"Zl{word}")
        for lead, word in zip(make_leads(count, seed), words, strict=False)
    ]


def write_leads(leads: Sequence[MarkedLead], path: Path, time_zone: str) -> None:
    lines = ["phone_number,time_zone,first_name,last_name,address,city,topic"]
    for number, lead in enumerate(leads, 1):
        home = f"{number} {lead.street} Lane,{lead.street}"
        lines.append(f"{lead.number},{time_zone},{lead.first_name},{lead.last_name},{home},{TOPIC}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
