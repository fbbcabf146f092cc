"""Retention: how long things are kept, legal holds and exports by four eyes, certificates of destruction."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from nicegui import ui
from nicegui.events import GenericEventArguments

from softswitch.errors import UsageError
from softswitch.safeguards.auditor_views import CertificatesView, RetentionView
from softswitch.safeguards.four_eyes import Request, What
from softswitch.web.accounts import Role
from softswitch.web.audit_frame import RecordTable, Visitor, audit_page, pill, row, text
from softswitch.web.elements import Pill, Text, count, panel
from softswitch.web.forms import Sheet, choice, field, link

PATH = "/audit/retention"
SHOWN = 100
EXPORT_GOOD_S = 86_400.0
ASKED_FOR = {What.HOLD: "Legal hold", What.LIFT: "End of a hold", What.EXPORT: "Export"}


async def show_retention(visitor: Visitor) -> None:
    control, overseer = visitor.room.control, visitor.account.holds(Role.ADMINISTRATOR, Role.AUDITOR)
    kept = await control.auditing.retention()
    certificates, trouble = None, ""
    if overseer:
        try:
            certificates = await control.auditing.certificates(SHOWN)
        except UsageError as error:
            trouble = str(error)
    with audit_page(visitor, PATH):
        _show_rules(kept)
        four_eyes = FourEyes(visitor)
        await four_eyes.refresh()
        if trouble:
            Text(trouble, "complaint", tag="p").props("role=alert")
        if certificates is not None:
            _show_certificates(visitor, certificates)


def _show_rules(kept: RetentionView) -> None:
    with panel("How long things are kept"):
        own = "; ".join(f"{name}: {count(days)} days" for name, days in sorted(kept.by_campaign.items()))
        Text(f"Recordings, answers and leads: {count(kept.days)} days. {own}", tag="p")
        held = f"Under a legal hold: {', '.join(kept.held[:50])}" if kept.held else "No call is under a legal hold."
        Text(held + (f" and {len(kept.held) - 50} more" if len(kept.held) > 50 else ""), "strip-detail", tag="p")


class FourEyes:
    """What one person asks for, and another approves."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._control = visitor.room.control
        self._may_approve = visitor.account.holds(Role.ADMINISTRATOR, Role.AUDITOR)
        self._proving = visitor.proving()
        self._sheet = Sheet("What do you ask for?", "Ask", self._build, self._ask)
        with panel("Asked for by one, approved by another"):
            self._table = RecordTable(
                "Requests",
                ("Asked", "By", "What", "Calls", "Why", "State", "Approved by"),
                "Nobody has asked for anything yet.",
            ).on("choose", self._choose)
            with ui.element("div").classes("pager"):
                ask = Text("Ask for a hold, its end, or an export", "act act-main", tag="button").props("type=button")
                ask.on("click", self._open)
                self._said = Text("", "strip-detail", tag="p").props("role=status")

    async def refresh(self) -> None:
        now = datetime.now(UTC)
        self._table.show([self._row(each, now) for each in (await self._control.requests())[:SHOWN]])

    def _build(self) -> None:
        kinds = [What.HOLD, What.LIFT, *((What.EXPORT,) if self._may_approve else ())]
        choice("What", "what", [(each.value, ASKED_FOR[each]) for each in kinds], value=What.HOLD.value)
        field("Calls, with blanks between", "calls", needed=True)
        field("Reason", "reason", hint="court order 17", needed=True)

    async def _open(self) -> None:
        async def show() -> None:
            self._sheet.open("Somebody else must approve it. A hold counts from now on.")

        await self._proving.carry_out(show)

    async def _ask(self, typed: Mapping[str, str]) -> str:
        what = typed.get("what", "")
        if what not in set(What) or (what == What.EXPORT and not self._may_approve):
            return "Choose what you ask for."
        name, calls = self._visitor.account.name, typed.get("calls", "").replace(",", " ").split()
        return await self._done(
            lambda: self._control.ask_request(What(what), calls, name, typed.get("reason", ""), EXPORT_GOOD_S),
            "It waits for a second person.",
        )

    async def _choose(self, event: GenericEventArguments) -> None:
        told = event.args if isinstance(event.args, dict) else {}
        ref = str(told.get("id", ""))[:32]

        async def approve() -> None:
            name = self._visitor.account.name
            self._said.text = await self._done(lambda: self._control.approve_request(ref, name), "") or "Approved."

        if self._may_approve:
            await self._proving.carry_out(approve)

    async def _done(self, command: Callable[[], Awaitable[object]], said: str) -> str:
        """Carry it out; what is wrong, or empty."""
        if not self._proving.is_session_alive():
            ui.navigate.to("/login")
            return ""
        try:
            await command()
        except UsageError as error:
            return str(error)
        except KeyError:
            return "There is none."
        self._said.text = said
        await self.refresh()
        return ""

    def _row(self, each: Request, now: datetime) -> dict[str, object]:
        state, tone = _state(each, now)
        own = each.asked_by.casefold() == self._visitor.account.name.casefold()
        approve = {
            "what": "approve",
            "text": "Approve",
            "label": f"Approve {ASKED_FOR[each.what].lower()} asked for by {each.asked_by}",
        }
        return row(
            each.request_ref,
            text(self._visitor.clock(each.asked_at), "tight"),
            text(each.asked_by, "tight"),
            text(ASKED_FOR[each.what]),
            text(" ".join(each.call_refs), "mono"),
            text(each.reason),
            pill(state, tone),
            text(each.approved_by, "tight"),
            actions=(approve,) if self._may_approve and state == "waits" and not own else (),
        )


def _state(each: Request, now: datetime) -> tuple[str, str]:
    if each.used_at is not None:
        return f"used by {each.used_by}", "idle"
    if each.what is not What.EXPORT and each.approved_at is not None:
        return "approved", "ready"
    if now >= each.ends_at:
        return "ran out", "idle"
    return ("waits", "wrap") if each.approved_at is None else ("approved", "ready")


def _show_certificates(visitor: Visitor, found: CertificatesView) -> None:
    with panel("Certificates of destruction"):
        with ui.element("div").classes("strip"):
            good = not found.troubles
            Pill("all in order" if good else "not as they were written", "ready" if good else "alert")
            Text(f"{count(found.total)} certificates; signed by {found.public_key[:16]}…", "strip-detail")
            Text("", "spacer")
            if found.total:
                made = link("Download", "/api/certificates.jsonl")
                made._props["download"] = "recordings.certificates"
        for trouble in found.troubles[:20]:
            Text(trouble, "complaint", tag="p")
        table = RecordTable(
            "Certificates", ("No.", "When", "What", "How many", "Rule", "By"), "Nothing was destroyed yet."
        )
        table.show(
            [
                row(
                    str(each.number), text(str(each.number), "right"),
                    text(visitor.clock(datetime.fromisoformat(each.at)), "tight"), text(each.what),
                    text(count(each.count), "right"), text(each.rule), text(each.by),
                )
                for each in found.certificates
            ]
        )  # fmt: skip
