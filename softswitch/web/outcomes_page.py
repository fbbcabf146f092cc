"""What a campaign came to: AAPOR's outcome rates with the counts behind them, and how full its quotas are."""

from datetime import date
from urllib.parse import quote

from nicegui import ui

from softswitch.errors import UsageError
from softswitch.survey.outcomes import Outcomes, QuotaCell
from softswitch.web.audit_frame import RecordTable, Visitor, address, audit_page, day_of, pill, row, text
from softswitch.web.elements import Text, count, panel
from softswitch.web.forms import choice, field, link, search_form

PATH = "/audit/outcomes"
_KINDS = {"RR": "Response", "COOP": "Cooperation", "REF": "Refusal", "CON": "Contact"}


async def show_outcomes(visitor: Visitor) -> None:
    asked, complaint = visitor.asked("campaign", "since", "until", "e"), ""
    names = [campaign.name for campaign in visitor.room.view().campaigns]
    campaign = asked["campaign"] or next(iter(names), "")
    found: Outcomes | None = None
    try:
        since, until = _day(asked["since"]), _day(asked["until"])
        if campaign:
            found = await visitor.room.control.auditing.outcomes(campaign, since, until, _share(asked["e"]))
    except UsageError as error:
        complaint = str(error)
    except KeyError:
        complaint = "There is no such campaign."
    with audit_page(visitor, PATH):
        with panel("Outcomes of a campaign"), search_form(PATH):
            choice("Campaign", "campaign", [(name, name) for name in names], value=campaign)
            field("From", "since", "date", value=asked["since"])
            field("Until", "until", "date", value=asked["until"])
            field("e, 0 to 1", "e", value=asked["e"], classes="narrow", hint="as known")
            Text("Show", "act act-main", tag="button").props("type=submit")
            link("Everything", address(PATH, {"campaign": campaign}))
            if found is not None:
                _downloads(found, asked)
        if complaint:
            Text(complaint, "complaint", tag="p").props("role=alert")
        elif found is None:
            Text("No campaign is set up yet.", "strip-detail", tag="p")
        else:
            _show(found)


def _downloads(found: Outcomes, asked: dict[str, str]) -> None:
    period = {name: asked[name] for name in ("since", "until", "e")}
    path = f"/api/campaigns/{quote(found.campaign, safe='')}/outcomes"
    for kind, href in (("CSV", f"{path}.csv"), ("JSON", path)):
        made = link(f"Download {kind}", address(href, period) if any(period.values()) else href)
        made._props["download"] = f"outcomes.{kind.lower()}"


def _show(found: Outcomes) -> None:
    period = f"{found.since or 'the beginning'} to {found.until or 'now'}"
    of_period = bool(found.since or found.until)
    who = "leads that were tried in it" if of_period else "leads, tried or not"
    Text(
        f"{found.campaign}, {period}: {count(found.cases)} cases, which are {who}. Each has one final disposition by "
        "AAPOR's Standard Definitions: that of the attempt that says most.",
        "strip-detail",
        tag="p",
    )
    with ui.element("div").classes("outcomes"):
        with panel("Outcome rates"):
            rates = RecordTable(f"Rates of {found.campaign}", ("Rate", "Kind", "Value", "Cases", "Formula"), "")
            rates.show([_rate(*line) for line in found.rate_lines()])
            Text(
                f"e = {found.rates.e:.3f} is the share of the cases of unknown eligibility (UH, UO) that is taken to "
                "be eligible: as among the known, unless you give another.",
                "strip-detail",
                tag="p",
            )
        with ui.element("div").classes("outcomes-side"):
            with panel("Final dispositions"):
                finals = RecordTable(f"Cases of {found.campaign}", ("Group", "Meaning", "Cases"), "")
                finals.show(
                    [
                        row(letters, text(letters, "tight"), text(meaning), text(count(cases), "right"))
                        for letters, meaning, cases in found.disposition_lines()
                    ]
                )
                codes = ", ".join(f"{code}: {count(cases)}" for code, cases in found.codes.items())
                Text(f"By AAPOR's code: {codes or 'none'}", "strip-detail", tag="p")
            with panel("Quotas"):
                head = ("Cell", "Filled", "Target", *(("In the period",) if of_period else ()), "State")
                quotas = RecordTable(f"Cells of {found.campaign}", head, "The campaign's script has no quotas.")
                quotas.show([_quota(cell, of_period) for cell in found.quotas])


def _rate(name: str, told: str, cases: str, formula: str) -> dict[str, object]:
    kind = _KINDS[name.rstrip("0123456789")]
    return row(name, text(name, "tight"), text(kind), text(told, "tight"), text(cases, "tight"), text(formula))


def _quota(cell: QuotaCell, of_period: bool) -> dict[str, object]:
    full = cell.filled >= cell.target
    in_period = (text(count(cell.in_period), "right"),) if of_period else ()
    return row(
        cell.name,
        text(cell.name),
        text(count(cell.filled), "right"),
        text(count(cell.target), "right"),
        *in_period,
        pill("full", "wrap") if full else pill("open", "ready"),
    )


def _day(asked: str) -> date | None:
    return day_of(asked) if asked else None


def _share(asked: str) -> float | None:
    try:
        share = float(asked.replace(",", ".")) if asked else None
    except ValueError:
        share = -1.0
    if share is not None and not 0.0 <= share <= 1.0:
        raise UsageError("e is a share from 0 to 1, such as 0.8.")
    return share
