"""The supervisor's own headset or phone, and its test: only who hears and is heard counts as supervising."""

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.events import GenericEventArguments

from softswitch.web.agents_panel import Act
from softswitch.web.control import SwitchControl
from softswitch.web.elements import meter

FINISH = "My sound works"


class _Headset(ui.element, component="assets/agent_headset.js"):
    """The browser as headset, and its test; "act" brings what was done."""


class AudioPanel:
    """A button of the header that says whether the supervisor can listen, and the sheet behind it, which is only hidden
    when it is closed: what is taken out of the page hangs up."""

    def __init__(self, control: SwitchControl, supervisor: str, act: Act) -> None:
        self._control = control
        self._supervisor = supervisor
        self._act = act
        self._passed = False
        """The supervisor has said so, and is not heard yet."""
        self._can_listen: bool | None = None
        self._button = (
            ui.button("Test your sound", icon="headset_mic", color=None).props("flat no-caps dense").classes("audio")
        )
        self._sheet = ui.element("div").classes("sheet audio-sheet").props('role=dialog aria-label="Your sound"')
        with self._sheet:
            self._headset = _Headset().on("act", self._receive)
            self._headset._props |= {"seat_at": "/api/supervisor/headset", "finish": FINISH, "page": {}}
            ui.button("Close", on_click=self._close).props("flat no-caps")
        self._sheet.set_visibility(False)
        self._sheet.on("keydown.escape", self._close)
        self._button.on_click(lambda: self._sheet.set_visibility(not self._sheet.visible))

    def show(self) -> None:
        view = self._control.supervisor_audio(self._supervisor)
        if view.can_listen != self._can_listen:
            self._can_listen = view.can_listen
            self._button.text = "Sound works" if view.can_listen else "Test your sound"
            self._button.classes(replace=f"audio {'tone-ready' if view.can_listen else 'tone-alert'}")
        voice = None if view.voice_dbov is None else int(meter(view.voice_dbov))
        unheard = self._passed and view.is_line_up and not view.is_heard
        page = {
            "has_phone": view.has_phone,
            "is_line_up": view.is_line_up,
            "state": "",
            "voice": voice,
            "unheard": unheard,
        }
        if page != self._headset._props["page"]:
            self._headset._props["page"] = page
            self._headset.update()

    async def look(self) -> None:
        """Pass the test once the switch itself hears who has said that the sound works."""
        if self._passed and self._control.supervisor_audio(self._supervisor).is_heard:
            self._passed = False
            await self._act(lambda: self._control.pass_supervisor_test(self._supervisor), "Your sound works")
            if self._control.supervisor_audio(self._supervisor).is_tested:
                self._close()

    def _close(self) -> None:
        """The keyboard goes on at the button that opened the sheet, if it was in there."""
        self._sheet.set_visibility(False)
        button, sheet = (f"document.getElementById('c{each.id}')" for each in (self._button, self._sheet))
        ui.run_javascript(
            f"const at = document.activeElement; if (at === document.body || {sheet}.contains(at)) {button}.focus()"
        )

    async def _receive(self, event: GenericEventArguments) -> None:
        """Something that was done with the headset; whatever a browser makes up comes to nothing."""
        what = event.args.get("what") if isinstance(event.args, dict) else None
        commands: dict[object, Callable[[str], Awaitable[None]]] = {
            "ring-phone": self._control.play_supervisor_tone,
            "test-tone": self._control.play_supervisor_tone,
            "log-out-phone": self._control.end_supervision,
        }
        if what == "tested":
            self._passed = True
        elif what in commands:
            await self._act(lambda: commands[what](self._supervisor), "Listen: a tone comes")
