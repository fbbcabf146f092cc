"""The auditor's first page: the audit log, searched by its address, and what its verification says."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from nicegui import ui

from softswitch.errors import UsageError
from softswitch.safeguards.audit import AuditRecord
from softswitch.safeguards.audit_search import AuditSearch, Kind, kind_of, moment_of
from softswitch.safeguards.auditor_views import VerificationView
from softswitch.web.audit_control import AuditControl
from softswitch.web.audit_frame import RecordTable, Visitor, address, audit_page, pill, row, text
from softswitch.web.elements import Pill, Text, count, panel
from softswitch.web.forms import choice, field, link, search_form

PATH = "/audit"
AT_ONCE = 50
STALE_S = 600.0
"""A verification that is older than this is made again when the page is opened."""
TONES = {
    Kind.SAW: "idle", Kind.HEARD: "busy", Kind.EXPORTED: "wrap", Kind.DESTROYED: "alert", Kind.CAME: "reserved",
    Kind.CHANGED: "paused", Kind.SYSTEM: "none",
}  # fmt: skip
_ASKED = ("actor", "kind", "action", "subject", "text", "since", "until")


async def show_audit_log(visitor: Visitor) -> None:
    auditing = visitor.room.control.auditing
    asked, complaint, page = visitor.asked(*_ASKED), "", None
    try:
        search = AuditSearch(
            actor=asked["actor"],
            kind=_kind(asked["kind"]),
            action=asked["action"],
            subject=asked["subject"],
            text=asked["text"],
            since=visitor.moment("since"),
            until=visitor.moment("until"),
        )
        page = await auditing.records(search, AT_ONCE, _number(visitor.query.get("before", "")))
    except UsageError as error:
        complaint = str(error)
    with audit_page(visitor, PATH):
        with panel("Who saw, heard, changed or exported what"), search_form(PATH):
            field("Person", "actor", value=asked["actor"], classes="narrow")
            choice(
                "Kind", "kind", [("", "anything"), *((each.value, each.value) for each in Kind)], value=asked["kind"]
            )
            field("Subject", "subject", value=asked["subject"], classes="narrow", hint="agent 101")
            field("Text", "text", value=asked["text"], classes="narrow", hint="anywhere")
            field("From", "since", "datetime-local", value=asked["since"])
            field("Until", "until", "datetime-local", value=asked["until"])
            Text("Search", "act act-main", tag="button").props("type=submit")
            link("Everything", PATH)
        if complaint:
            Text(complaint, "complaint", tag="p").props("role=alert")
        _VerificationStrip(auditing, visitor.clock)
        with panel("Records"):
            table = RecordTable(
                "Records of the audit log",
                ("Time", "Person", "Kind", "What", "Subject", "Why", "No."),
                "No record has all of that.",
            )
            table.show([_row(visitor, record) for record in page.records] if page else [])
            with ui.element("nav").classes("pager") as pager:
                pager._props["aria-label"] = "Pages of records"
                if "before" in visitor.query:
                    link("Newest", address(PATH, asked))
                if page and page.before is not None:
                    link("Older", address(PATH, asked, before=str(page.before)))
                if page and page.looked_until:
                    Text(f"Looked back to {visitor.clock(datetime.fromisoformat(page.looked_until))}", "strip-detail")


class _VerificationStrip:
    """Whether the chain holds, as of when; made again where that is long ago."""

    def __init__(self, auditing: AuditControl, clock: Callable[[datetime], str]) -> None:
        """clock: a moment by the site's clock."""
        self._auditing = auditing
        self._clock = clock
        self._trouble = ""
        self._running: asyncio.Task[None] | None = None
        with panel("Verification"):
            with ui.element("div").classes("strip"):
                self._verdict = Pill()
                self._verdict.props("role=status")
                self._detail = Text("", "strip-detail")
                Text("", "spacer")
                Text("Verify now", "act", tag="button").props("type=button").on("click", self._begin)
            self._digest = Text("", "strip-detail mono", tag="p")
            self._troubles = ui.element("div")
        found = auditing.verification()
        self._show(found)
        if found is None or time.time() - found.at.timestamp() > STALE_S:
            ui.timer(0.1, self._begin, once=True)

    def _begin(self) -> None:
        if self._running is None or self._running.done():
            self._verdict.show("being verified", "idle")
            self._running = asyncio.create_task(self._verify(), name="audit-page-verification")

    async def _verify(self) -> None:
        try:
            found = await self._auditing.verify()
        except UsageError as error:
            self._verdict.show("could not be verified", "alert")
            self._detail.text = str(error)
            return
        self._show(found)

    def _show(self, found: VerificationView | None) -> None:
        if found is None:
            self._verdict.show("not verified yet", "idle")
            return
        self._verdict.show("unbroken" if found.holds else "not as it was written", "ready" if found.holds else "alert")
        self._detail.text = (
            f"{count(found.records)} records, {count(found.sealed)} of them under {count(found.seals)} daily seals; "
            f"looked at {self._clock(found.at)}. Signed by {found.public_key[:16]}…"
        )
        self._digest.text = f"Note the last digest elsewhere: {found.digest}"
        self._troubles.clear()
        with self._troubles:
            for trouble in found.troubles[:20]:
                Text(trouble, "complaint", tag="p")
            for note in found.notes[:20]:
                Text(note, "strip-detail", tag="p")


def _row(visitor: Visitor, record: AuditRecord) -> dict[str, object]:
    kind = kind_of(record)
    return row(
        str(record.sequence),
        text(visitor.clock(moment_of(record)), "tight"),
        text(record.actor, "tight"),
        pill(kind.value, TONES[kind]),
        text(record.action),
        text(record.subject),
        text(record.reason),
        text(str(record.sequence), "right"),
    )


def _kind(asked: str) -> Kind | None:
    try:
        return Kind(asked) if asked else None
    except ValueError:
        raise UsageError("There is no such kind.") from None


def _number(asked: str) -> int | None:
    return int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 16 else None
