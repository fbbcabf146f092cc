"""Reviews of the detector: calls that a verdict ended, drawn at random; one after another is heard and judged by key.

Listening takes the auditor's role and key; what the verdict was is not told before the call is judged.
"""

from collections.abc import Sequence

from nicegui import ui
from nicegui.events import KeyEventArguments

from softswitch.dialler.detection import Truth
from softswitch.errors import UsageError
from softswitch.safeguards.auditor_views import ReviewShareView
from softswitch.store.reviews import Review
from softswitch.web.accounts import Role
from softswitch.web.audit_frame import RecordTable, Visitor, audit_page, row, text
from softswitch.web.elements import Text, count, panel, percent
from softswitch.web.recordings_page import Player

PATH = "/audit/reviews"
AT_ONCE = 50
REASON = "review of the detector's verdict"
KEYS = {"p": Truth.PERSON, "m": Truth.MACHINE, "u": Truth.CANNOT_TELL}
NAMES = {Truth.PERSON: "Person", Truth.MACHINE: "Machine", Truth.CANNOT_TELL: "Unclear"}


async def show_reviews(visitor: Visitor) -> None:
    control = visitor.room.control
    waiting = await control.reviews("", AT_ONCE)
    shares = await control.auditing.review_shares()
    with audit_page(visitor, PATH):
        page = ReviewPage(visitor, waiting)
        with panel("What the reviews say, of the last 30 days"):
            page.shares = RecordTable(
                "Share of false positives of each campaign",
                ("Campaign", "Reviewed", "People among them", "Share", "95 % interval", "Reckoned with"),
                "No campaign is set up.",
            )
            page.shares.show([_share(each) for each in shares])


class ReviewPage:
    shares: RecordTable

    def __init__(self, visitor: Visitor, waiting: Sequence[Review]) -> None:
        self._visitor = visitor
        self._control = visitor.room.control
        self._waiting = list(waiting)
        self._proving = visitor.proving()
        self._busy = False
        with panel("Who was on the call?"):
            self._call = Text("", "player-call", tag="p")
            self._facts = Text("", "strip-detail", tag="p")
            with ui.element("div").classes("review-marks") as self._marks:
                for key, truth in KEYS.items():
                    mark = Text("", "act act-big", tag="button").props("type=button")
                    mark.on("click", lambda truth=truth: self._judge(truth))
                    with mark:
                        Text(NAMES[truth] + " ")
                        Text(key.upper(), tag="kbd").props("aria-hidden=true")
                    mark._props["aria-keyshortcuts"] = key
                if visitor.account.holds(Role.AUDITOR):
                    Text("Listen", "act act-main act-big", tag="button").props("type=button").on("click", self._listen)
            self._said = Text("", "strip-detail", tag="p").props("role=status")
        self._player = Player(visitor) if visitor.account.holds(Role.AUDITOR) else None
        if self._player is None:
            Text("Listening takes the auditor's role and private key.", "strip-detail", tag="p")
        ui.keyboard(self._key, ignore=["input", "select", "textarea"], repeating=False)
        self._show()

    def _show(self) -> None:
        now = self._waiting[0] if self._waiting else None
        self._marks.set_visibility(now is not None)
        if now is None:
            self._call.text, self._facts.text = "", "Nothing waits for review."
            return
        self._call.text = now.call_ref
        self._facts.text = (
            f"{now.campaign}, {now.day}. A verdict ended this call after {now.audio_ms / 1000:.1f} s of sound. "
            f"{count(len(self._waiting))}{' or more' if len(self._waiting) == AT_ONCE else ''} "
            f"{'waits' if len(self._waiting) == 1 else 'wait'}."
        )

    async def _key(self, event: KeyEventArguments) -> None:
        truth = KEYS.get(str(event.key).lower())
        if event.action.keydown and truth is not None and not (event.modifiers.ctrl or event.modifiers.meta):
            await self._judge(truth)

    async def _listen(self) -> None:
        if self._waiting:
            await self._proving.carry_out(self._open)

    async def _open(self) -> None:
        if self._player is not None and self._waiting:
            self._said.text = await self._player.open(self._waiting[0].call_ref, REASON)

    async def _judge(self, truth: Truth) -> None:
        """Keep what was heard, and go on to the next, whose sound is asked for where one was open."""
        if not self._proving.is_session_alive():
            ui.navigate.to("/login")
            return
        if self._busy or not self._waiting:
            return
        self._busy = True
        try:
            judged = self._waiting[0]
            try:
                await self._control.review(judged.call_ref, truth, self._visitor.account.name)
            except UsageError as error:
                self._said.text = str(error)
                return
            except KeyError:
                self._said.text = "That is no longer there."
            else:
                verdict = f"the detector said {judged.verdict.lower()} ({judged.cause.lower().replace('_', ' ')})"
                self._said.text = f"{judged.call_ref}: {NAMES[truth].lower()}; {verdict}."
            was_open = self._player is not None and self._player.is_open
            if self._player is not None:
                self._player.close()
            known = {each.call_ref for each in self._waiting}
            del self._waiting[0]
            if not self._waiting:
                self._waiting = [
                    each for each in await self._control.reviews("", AT_ONCE) if each.call_ref not in known
                ]
            self.shares.show([_share(each) for each in await self._control.auditing.review_shares()])
            self._show()
        finally:
            self._busy = False
        if was_open:
            await self._listen()


def _share(each: ReviewShareView) -> dict[str, object]:
    measured = "measured" if each.is_measured else "the prior, until 100 are reviewed"
    found = each.people / each.reviewed if each.reviewed else None
    return row(
        each.campaign,
        text(each.campaign),
        text(count(each.reviewed), "right"),
        text(count(each.people), "right"),
        text("–" if found is None else percent(found), "right"),
        text(f"{percent(each.low)} to {percent(each.high)}", "right"),
        text(f"{percent(each.share)} ({measured})"),
    )
