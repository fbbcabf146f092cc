"""What a campaign came to: cases by AAPOR's final disposition, the rates that follow, and how full its quotas are."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from softswitch.survey.aapor import FORMULAS, MEANINGS, Final, Rates, Wording, fractions, rates


@dataclass(frozen=True, slots=True)
class QuotaCell:
    name: str
    target: int
    filled: int
    """Complete interviews, since the campaign began: what the cell closes on."""
    in_period: int
    """Of these, those that ended in the period."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    campaign: str
    since: str
    """First day, ISO 8601, in the site's time zone; empty: from the campaign's beginning."""
    until: str
    """Last day; empty: until now."""
    cases: int
    """Leads, tried or not; of a period, those that were tried in it."""
    final_dispositions: Mapping[Final, int]
    codes: Mapping[str, int]
    """By AAPOR's code."""
    rates: Rates
    quotas: tuple[QuotaCell, ...]

    def rows(self) -> list[tuple[str, object]]:
        """Figure and value, as a spreadsheet takes them."""
        finals = [(final.value, count) for final, count in self.final_dispositions.items()]
        codes = [(f"code {code}", count) for code, count in self.codes.items()]
        cells = [
            (f"quota {cell.name}, {what}", count)
            for cell in self.quotas
            for what, count in (("filled", cell.filled), ("target", cell.target), ("in the period", cell.in_period))
        ]
        about = [("campaign", self.campaign), ("since", self.since), ("until", self.until), ("cases", self.cases)]
        return [("figure", "value"), *about, *finals, *codes, *asdict(self.rates).items(), *cells]

    def disposition_lines(self) -> list[tuple[str, str, int]]:
        """Letters, meaning and cases of each final disposition."""
        return [(final.value, MEANINGS[final], count) for final, count in self.final_dispositions.items()]

    def rate_lines(self) -> list[tuple[str, str, str, str]]:
        """Of each rate its name, its value, the cases that it is a share of, and its formula."""
        found = fractions(self.final_dispositions, self.rates.e)
        return [
            (name, share(part, whole), f"{_number(part)} of {_number(whole)}", FORMULAS[name])
            for name, (part, whole) in found.items()
        ]


def outcomes_of(
    campaign: str,
    wording: Wording,
    ended_as: Mapping[str, int],
    *,
    never_tried: int = 0,
    e: float | None = None,
    since: str = "",
    until: str = "",
    quotas: tuple[QuotaCell, ...] = (),
) -> Outcomes:
    """ended_as: leads by what counts of their attempts, as `Wording.ranks` names it.  e: 0-1; left out, as among those
    whose eligibility is known."""
    finals = dict.fromkeys(Final, 0)
    codes: dict[str, int] = {}
    for name, count in (*ended_as.items(), ("", never_tried)):
        final, code = wording.final_of(name)
        finals[final] += count
        if count:
            codes[code] = codes.get(code, 0) + count
    told = rates(finals, e)
    return Outcomes(campaign, since, until, sum(finals.values()), finals, dict(sorted(codes.items())), told, quotas)


def share(part: float, whole: float) -> str:
    """A share in percent; a dash where there is nothing to divide by."""
    return f"{part / whole:.1%}" if whole else "–"


def _number(cases: float) -> str:
    """Cases that e makes fractions of keep one decimal."""
    return f"{cases:,.1f}".removesuffix(".0")
