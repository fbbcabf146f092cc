"""Final dispositions and outcome rates after AAPOR, Standard Definitions (9th edition, 2016; 10th, 2023).

Every case, a lead with all its attempts, has one final disposition. The formulas are those of the chapter "Calculating
outcome rates from final disposition distributions".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Final(StrEnum):
    """A final disposition, by the group in which it counts."""

    I = "I"  # noqa: E741
    P = "P"
    R = "R"
    NC = "NC"
    O = "O"  # noqa: E741
    UH = "UH"
    UO = "UO"
    NE = "NE"


MEANINGS: Mapping[Final, str] = {
    Final.I: "complete interview (1.1)",
    Final.P: "partial interview (1.2)",
    Final.R: "refusal and break-off (2.1)",
    Final.NC: "non-contact (2.2)",
    Final.O: "other (2.3)",
    Final.UH: "unknown if the number is somebody's whom the survey asks (3.1)",
    Final.UO: "somebody is there, unknown if eligible (3.2, 3.9)",
    Final.NE: "not eligible (4)",
}

SITE_WORDING: Mapping[str, tuple[Final, str]] = {
    # What an attempt came to -> group and code.
    "completed": (Final.I, "1.1"),
    "partial": (Final.P, "1.2"),
    "refusal": (Final.R, "2.11"),
    "opt-out": (Final.R, "2.11"),
    "break-off": (Final.R, "2.12"),
    "callback": (Final.NC, "2.21"),
    "connected": (Final.UO, "3.9"),
    "hung-up": (Final.UO, "3.9"),
    "abandoned": (Final.UO, "3.9"),
    "silence": (Final.UH, "3.1"),
    "screened": (Final.UH, "3.14"),
    "machine": (Final.UH, "3.14"),
    "voicemail": (Final.UH, "3.14"),
    "no-answer": (Final.UH, "3.13"),
    "busy": (Final.UH, "3.12"),
    "refused": (Final.UH, "3.15"),
    "announcement": (Final.UH, "3.16"),
    "tone": (Final.UH, "3.16"),
    "failed": (Final.UH, "3.16"),
    "cancelled": (Final.UH, "3.13"),
    "blocked": (Final.UH, "3.11"),
    "skipped": (Final.UH, "3.11"),
    "not-eligible": (Final.NE, "4.7"),
    "over-quota": (Final.NE, "4.8"),
    "wrong-number": (Final.NE, "4.4"),
    "fax": (Final.NE, "4.2"),
    "invalid-number": (Final.NE, "4.31"),
}
"""By disposition of the switch."""
NEVER_TRIED = (Final.UH, "3.11")
ORDER = (Final.I, Final.P, Final.R, Final.NE, Final.O, Final.NC, Final.UO, Final.UH)
"""Of several attempts at a case the one counts that says most: an interview before all, a refusal is not undone by a
later no-answer, and who was spoken to once is no unknown (Standard Definitions, "Temporary vs. final dispositions")."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a site reads its dispositions, where that differs from `SITE_WORDING`."""

    by_disposition: Mapping[str, tuple[Final, str]]

    @classmethod
    def of_site(cls, own: Mapping[str, tuple[str, str]]) -> "Wording":
        """own: group and code by disposition, where a site reads it otherwise."""
        return cls({**SITE_WORDING, **{name: (Final(group), code) for name, (group, code) in own.items()}})

    @property
    def ranks(self) -> dict[str, int]:
        """Which of several attempts at a case counts, by what each came to: the lowest; of those alike, the last."""
        return {name: ORDER.index(final) for name, (final, _) in self.by_disposition.items()}

    def final_of(self, ended_as: str) -> tuple[Final, str]:
        """Group and code of a case of which an attempt came to this, and counts. What nobody knows, and a case without
        an attempt, was never tried."""
        return self.by_disposition.get(ended_as, NEVER_TRIED)


@dataclass(frozen=True, slots=True)
class Rates:
    """Outcome rates, 0-1; None where nothing can be divided by."""

    RR1: float | None
    RR2: float | None
    RR3: float | None
    RR4: float | None
    RR5: float | None
    RR6: float | None
    COOP1: float | None
    COOP2: float | None
    COOP3: float | None
    COOP4: float | None
    REF1: float | None
    REF2: float | None
    REF3: float | None
    CON1: float | None
    CON2: float | None
    CON3: float | None
    e: float
    """Share of the cases of unknown eligibility that is taken to be eligible."""


def eligible_share(count: Mapping[Final, int]) -> float:
    """e by proportional allocation: as many of the unknown are eligible as of those who are known (CASRO). 1 where
    nothing is known, which makes RR3 no higher than RR1."""
    eligible = sum(count.get(each, 0) for each in (Final.I, Final.P, Final.R, Final.NC, Final.O))
    known = eligible + count.get(Final.NE, 0)
    return eligible / known if known else 1.0


def rates(count: Mapping[Final, int], e: float | None = None) -> Rates:
    """All rates of so many cases. e: 0-1; left out, by `eligible_share`."""
    share = eligible_share(count) if e is None else e
    found = {name: part / whole if whole else None for name, (part, whole) in fractions(count, share).items()}
    return Rates(**found, e=share)


def fractions(count: Mapping[Final, int], e: float) -> dict[str, tuple[float, float]]:
    """Of each rate the cases that it is a share of: (part, whole)."""
    i, p, r, nc, o, uh, uo = (count.get(each, 0) for each in ORDER_OF_FORMULAS)
    interviews, others, unknown = i + p, r + nc + o, uh + uo
    known = interviews + others
    whole, estimated, contacts = known + unknown, known + e * unknown, interviews + r + o
    return {
        "RR1": (i, whole),
        "RR2": (interviews, whole),
        "RR3": (i, estimated),
        "RR4": (interviews, estimated),
        "RR5": (i, known),
        "RR6": (interviews, known),
        "COOP1": (i, contacts),
        "COOP2": (interviews, contacts),
        "COOP3": (i, interviews + r),
        "COOP4": (interviews, interviews + r),
        "REF1": (r, whole),
        "REF2": (r, estimated),
        "REF3": (r, known),
        "CON1": (contacts, whole),
        "CON2": (contacts, estimated),
        "CON3": (contacts, known),
    }


ORDER_OF_FORMULAS = (Final.I, Final.P, Final.R, Final.NC, Final.O, Final.UH, Final.UO)
_KNOWN = "I + P + R + NC + O"
_ALL, _ESTIMATED = f"({_KNOWN} + UH + UO)", f"({_KNOWN} + e (UH + UO))"
FORMULAS: Mapping[str, str] = {
    "RR1": f"I / {_ALL}",
    "RR2": f"(I + P) / {_ALL}",
    "RR3": f"I / {_ESTIMATED}",
    "RR4": f"(I + P) / {_ESTIMATED}",
    "RR5": f"I / ({_KNOWN})",
    "RR6": f"(I + P) / ({_KNOWN})",
    "COOP1": "I / (I + P + R + O)",
    "COOP2": "(I + P) / (I + P + R + O)",
    "COOP3": "I / (I + P + R)",
    "COOP4": "(I + P) / (I + P + R)",
    "REF1": f"R / {_ALL}",
    "REF2": f"R / {_ESTIMATED}",
    "REF3": f"R / ({_KNOWN})",
    "CON1": f"(I + P + R + O) / {_ALL}",
    "CON2": f"(I + P + R + O) / {_ESTIMATED}",
    "CON3": f"(I + P + R + O) / ({_KNOWN})",
}
"""As people read them; `fractions` reckons by the same."""
