"""What the pages of those who oversee have in common: head, ways to each other, tables, times of the site's clock."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse
from nicegui import ui

from softswitch.errors import UsageError
from softswitch.web.accounts import Account, Role
from softswitch.web.elements import Text, named
from softswitch.web.first_paint import text as html
from softswitch.web.forms import link
from softswitch.web.guard import caller_of
from softswitch.web.plain_pages import ASSETS
from softswitch.web.proving import Proving
from softswitch.web.room import Room
from softswitch.web.sessions import Session

_STYLE = "".join(
    (ASSETS / f"{name}.css").read_text(encoding="utf-8") for name in ("wallboard", "agent", "sheet", "audit")
)
_OVERSEERS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR})
PAGES: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("/audit", "Audit log", frozenset({Role.AUDITOR})),
    ("/audit/recordings", "Recordings", frozenset({Role.AUDITOR})),
    ("/audit/reviews", "Reviews", frozenset({Role.SUPERVISOR, Role.AUDITOR})),
    ("/audit/compliance", "Compliance", _OVERSEERS),
    ("/audit/outcomes", "Outcomes", _OVERSEERS),
    ("/audit/retention", "Retention", _OVERSEERS),
)
"""Path, name, and whose page it is; the guard holds the same."""
_SCRIPTS = {
    "recording_worker.js": ASSETS / "recording_worker.js",
    "sealed_recording.js": ASSETS / "sealed_recording.js",
    "libsodium.mjs": ASSETS / "libsodium" / "libsodium.mjs",
}


def audit_assets_router() -> APIRouter:
    """The scripts that decrypt recordings: they run in a worker, which takes them by their paths."""
    router = APIRouter(include_in_schema=False)

    @router.get("/audit/assets/{name}")
    async def asset(name: str) -> FileResponse:
        if name not in _SCRIPTS:
            raise HTTPException(404, "There is no such file.")
        return FileResponse(_SCRIPTS[name], media_type="text/javascript")

    return router


class Visitor:
    """Who looks at a page, and what the page needs of them."""

    def __init__(self, request: Request) -> None:
        self.room: Room = request.scope["softswitch.room"]
        self.account: Account = request.scope["softswitch.account"]
        self.session: Session | None = request.scope.get("softswitch.session")
        self.query: Mapping[str, str] = {name: text[:128] for name, text in request.query_params.items()}
        self.caller = caller_of(request.scope, request.headers)

    @property
    def zone(self) -> tzinfo:
        return self.room.settings.time_zone

    def asked(self, *names: str) -> dict[str, str]:
        """What the address asks for by these names, without blanks around."""
        return {name: self.query.get(name, "").strip() for name in names}

    def moment(self, name: str) -> datetime | None:
        """A time of the site's clock, as a browser's field writes it. Raises UsageError for anything else."""
        text = self.query.get(name, "")
        try:
            at = datetime.fromisoformat(text).replace(tzinfo=self.zone) if text else None
        except ValueError:
            at = datetime.min
        if at is not None and not 2000 <= at.year < 2200:
            raise UsageError("A time is written as 2027-03-10T09:30.")
        return None if at is None else at.astimezone(UTC)

    def proving(self) -> Proving:
        return Proving(self.room, self.account, self.session, self.caller)

    def clock(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")


@contextmanager
def audit_page(visitor: Visitor, path: str) -> Iterator[None]:
    """The page around its own content."""
    account = visitor.account
    ui.add_css(_STYLE)
    with ui.element("div").classes("audit"):
        with ui.element("header").classes("top"):
            Text(visitor.room.settings.site, "site", tag="h1")
            with ui.element("nav").classes("audit-nav") as nav:
                named(nav, "Pages")
                for href, name, roles in PAGES:
                    if account.holds(*roles):
                        here = link(name, href, "")
                        if href == path:
                            here._props["aria-current"] = "page"
                if account.holds(Role.SUPERVISOR, Role.ADMINISTRATOR):
                    link("Wallboard", "/", "")
            Text("", "spacer")
            Text(account.name, "account")
            dark = Text("◐", "act act-round", tag="button").props("type=button")
            named(dark, "Switch between light and dark")
            dark.on("click", js_handler="() => Quasar.Dark.toggle()")
            with ui.element("form").props('method=post action="/logout"'):
                Text("Log out", "act", tag="button").props("type=submit")
        with ui.element("div").classes("audit-main"):  # the page library brings the landmark
            yield


class RecordTable(ui.element, component="assets/record_table.js"):
    """Rows of finished texts; "choose" brings {id, what} of a row's button."""

    def __init__(self, caption: str, columns: Sequence[str], empty: str) -> None:
        super().__init__()
        self._props.update({"caption": caption, "columns": list(columns), "rows": [], "empty": empty, "chosen": ""})

    def first_paint(self) -> str:
        head = "".join(html("th", each) for each in self._props["columns"])
        rows = "".join(
            f"<tr>{''.join(html('td', each['text'], each['look']) for each in row['cells'])}</tr>"
            for row in self._props["rows"]
        )
        return f'<div class="records"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'

    def show(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._props["rows"] = list(rows)
        self.update()

    def choose(self, row: str) -> None:
        self._props["chosen"] = row
        self.update()


def row(name: str, *cells: Mapping[str, str], actions: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    return {"id": name, "cells": list(cells), "actions": list(actions)}


def text(told: str, look: str = "") -> dict[str, str]:
    return {"text": told, "look": look}


def pill(told: str, tone: str) -> dict[str, str]:
    return {"text": told, "look": "tight", "tone": tone}


def day_of(asked: str) -> date:
    """A day as a browser's field writes it. Raises UsageError for anything else."""
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2200:
        raise UsageError("A day is written as 2027-03-10.")
    return day


def address(path: str, asked: Mapping[str, str], **more: str) -> str:
    """The same page with another part of what was found."""
    return f"{path}?{urlencode({name: value for name, value in {**asked, **more}.items() if value})}"
