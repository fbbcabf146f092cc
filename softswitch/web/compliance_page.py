"""The daily compliance report: each campaign's day held against the rules, to be read and taken along."""

from datetime import datetime

from nicegui import ui

from softswitch.dialler.compliance import ComplianceDay
from softswitch.dialler.compliance_figures import lines_of
from softswitch.dialler.rule_choice import RuleChoice
from softswitch.errors import UsageError
from softswitch.web.audit_frame import RecordTable, Visitor, address, audit_page, day_of, row, text
from softswitch.web.elements import Text, panel
from softswitch.web.forms import choice, field, link, search_form

PATH = "/audit/compliance"
RULES = (
    ("", "Each campaign's choice"),
    ("uk", "UK (Ofcom)"),
    ("us", "US (FTC, FCC)"),
    ("own", "The campaign's own, where stricter"),
)


async def show_compliance(visitor: Visitor) -> None:
    asked, complaint = visitor.asked("day", "campaign", "rules"), ""
    days: list[ComplianceDay] = []
    today = datetime.now(visitor.zone).date().isoformat()
    try:
        day = day_of(asked["day"] or today)
        days = await visitor.room.control.auditing.compliance(day, asked["campaign"], _rules(asked["rules"]))
    except UsageError as error:
        complaint = str(error)
    with audit_page(visitor, PATH):
        with panel("Compliance report"), search_form(PATH):
            field("Day", "day", "date", value=asked["day"] or today)
            field("Campaign", "campaign", value=asked["campaign"], classes="narrow", hint="all")
            choice("Rules", "rules", RULES, value=asked["rules"])
            Text("Show", "act act-main", tag="button").props("type=submit")
            if days:
                for kind in ("pdf", "csv"):
                    href = address(f"/api/compliance.{kind}", {**asked, "day": days[0].day})
                    made = link(f"Download {kind.upper()}", href)
                    made._props["download"] = f"compliance-{days[0].day}.{kind}"
        if complaint:
            Text(complaint, "complaint", tag="p").props("role=alert")
        elif not days:
            Text("No campaign is set up, and none has dialled.", "strip-detail", tag="p")
        with ui.element("div").classes("paper"):
            for each in days:
                _show(each)


def _show(each: ComplianceDay) -> None:
    with panel(each.campaign):
        Text(f"{each.day}, midnight to midnight in {each.time_zone}; rules: {each.rules}", "strip-detail", tag="p")
        for breach in each.breaches:
            Text(f"Not kept: {breach}", "breach", tag="p")
        if not each.breaches:
            Text("All rules kept.", "kept", tag="p")
        table = RecordTable(f"Figures of {each.campaign}", ("What", "Figure"), "")
        table.show([row(what, text(what), text(told, "right")) for what, told in lines_of(each)])


def _rules(asked: str) -> RuleChoice | None:
    try:
        return RuleChoice(asked) if asked else None
    except ValueError:
        raise UsageError("There are no such rules.") from None
