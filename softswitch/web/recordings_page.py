"""Recordings: searched by the page's address, opened by a request with a reason, decrypted in the browser."""

from collections.abc import Mapping

from nicegui import ui
from nicegui.events import GenericEventArguments

from softswitch.errors import UsageError
from softswitch.safeguards.auditor_views import RecordingView
from softswitch.store.recorded import RecordingSearch
from softswitch.web.audit_frame import RecordTable, Visitor, address, audit_page, pill, row, text
from softswitch.web.elements import Text, clock, panel
from softswitch.web.forms import Sheet, field, link, search_form

PATH = "/audit/recordings"
AT_ONCE = 50
TONES = {"kept": "ready", "held": "wrap", "gone": "idle"}
_ASKED = ("call_ref", "agent", "campaign", "outcome", "since", "until")


class Player(ui.element, component="assets/recording_player.js"):
    """Plays the play-back that it is given, with the key that is chosen in the browser; "done" when it is put away."""

    def __init__(self, visitor: Visitor) -> None:
        super().__init__()
        self._control = visitor.room.control
        self._name = visitor.account.name
        self._props.update({"playback": None, "csrf": visitor.session.csrf if visitor.session else ""})

    async def open(self, call_ref: str, reason: str) -> str:
        """Ask for a recording; the reason is in the audit log before. What is wrong, or empty."""
        try:
            playback, parts = await self._control.begin_playback(call_ref, self._name, reason)
        except UsageError as error:
            return str(error)
        except KeyError:
            return "There is no recording of this call."
        self._props["playback"] = {"playback_ref": playback.playback_ref, "call_ref": call_ref, "parts": parts}
        self.update()
        return ""

    @property
    def is_open(self) -> bool:
        return self._props["playback"] is not None

    def close(self) -> None:
        self._props["playback"] = None
        self.update()


async def show_recordings(visitor: Visitor) -> None:
    asked, complaint = visitor.asked(*_ASKED), ""
    offset = _offset(visitor.query.get("offset", ""))
    found: list[RecordingView] = []
    try:
        search = RecordingSearch(
            call_ref=asked["call_ref"],
            agent=asked["agent"],
            campaign=asked["campaign"],
            outcome=asked["outcome"],
            since=visitor.moment("since"),
            until=visitor.moment("until"),
        )
        found = await visitor.room.control.auditing.recordings(search, AT_ONCE + 1, offset)
    except UsageError as error:
        complaint = str(error)
    with audit_page(visitor, PATH):
        with panel("Recordings"), search_form(PATH):
            field("Call", "call_ref", value=asked["call_ref"], classes="narrow", hint="how it begins")
            field("Agent", "agent", value=asked["agent"], classes="narrow")
            field("Campaign", "campaign", value=asked["campaign"], classes="narrow")
            field("Outcome", "outcome", value=asked["outcome"], classes="narrow", hint="completed")
            field("From", "since", "datetime-local", value=asked["since"])
            field("Until", "until", "datetime-local", value=asked["until"])
            Text("Search", "act act-main", tag="button").props("type=submit")
            link("All", PATH)
        if complaint:
            Text(complaint, "complaint", tag="p").props("role=alert")
        player = Player(visitor)
        with panel("Calls"):
            table = RecordTable(
                "Recorded calls",
                ("Answered", "Call", "Campaign", "Agent", "Length", "Outcome", "Detector", "Recording"),
                "No recorded call has all of that.",
            )
            table.show([_row(visitor, each) for each in found[:AT_ONCE]])
            with ui.element("nav").classes("pager") as pager:
                pager._props["aria-label"] = "Pages of calls"
                if offset:
                    link(
                        "Newer", address(PATH, asked, offset=str(max(0, offset - AT_ONCE)) if offset > AT_ONCE else "")
                    )
                if len(found) > AT_ONCE:
                    link("Older", address(PATH, asked, offset=str(offset + AT_ONCE)))
        _Opening(visitor, table, player)


class _Opening:
    """From the button at a call to its sound: proof, reason, request."""

    def __init__(self, visitor: Visitor, table: RecordTable, player: Player) -> None:
        self._table = table
        self._player = player
        self._chosen = ""
        self._proving = visitor.proving()
        self._sheet = Sheet("Why do you listen?", "Listen", self._build, self._open)
        table.on("choose", self._choose)
        player.on("done", self._done)

    def _build(self) -> None:
        field("Reason", "reason", hint="complaint 17", needed=True)

    async def _choose(self, event: GenericEventArguments) -> None:
        told = event.args if isinstance(event.args, dict) else {}
        self._chosen = str(told.get("id", ""))[:120]
        await self._proving.carry_out(self._ask)

    async def _ask(self) -> None:
        self._sheet.open(f"Call {self._chosen}. Your reason stands in the audit log before anything is opened.")

    async def _open(self, typed: Mapping[str, str]) -> str:
        if not self._proving.is_session_alive():
            ui.navigate.to("/login")
            return ""
        trouble = await self._player.open(self._chosen, typed.get("reason", ""))
        if not trouble:
            self._table.choose(self._chosen)
        return trouble

    def _done(self) -> None:
        self._table.choose("")
        self._player.close()


def _row(visitor: Visitor, each: RecordingView) -> dict[str, object]:
    listen = {"what": "listen", "text": "Listen", "label": f"Listen to call {each.call_ref}"}
    return row(
        each.call_ref,
        text(visitor.clock(each.began_at), "tight"),
        text(each.call_ref, "mono"),
        text(each.campaign),
        text(each.agent, "tight"),
        text("" if each.seconds is None else clock(each.seconds), "right"),
        text(each.outcome),
        text(each.verdict),
        pill(each.state, TONES[each.state]),
        actions=() if each.state == "gone" else (listen,),
    )


def _offset(asked: str) -> int:
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
