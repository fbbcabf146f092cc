"""The wallboard's alerts: what a supervisor should look at, until somebody has."""

from softswitch.safeguards.supervision_views import AlertView
from softswitch.web.agents_panel import Act
from softswitch.web.control import SwitchControl
from softswitch.web.elements import Rows, Text, clock, panel

MAXIMUM_ROWS = 30


class _AlertRows(Rows, component="assets/alert_rows.js"):
    """The list; "choose" brings the number of the alert that is seen."""


def _row(view: AlertView) -> dict[str, str]:
    where = f" (node {view.node})" if view.node else ""
    ago = "now" if view.ago_s < 60 else f"{clock(view.ago_s)} ago"
    return {"number": str(view.number), "kind": view.kind, "agent": view.agent, "told": view.told + where, "ago": ago}


class AlertsPanel:
    """Not there while there is nothing to look at."""

    def __init__(self, control: SwitchControl, supervisor: str, act: Act) -> None:
        self._control = control
        self._supervisor = supervisor
        self._act = act
        self._panel = panel("Alerts", "alerts")
        with self._panel:
            self._summary = Text("", "panel-note").props("role=status")
            self._rows = _AlertRows().on("choose", lambda event: self._see(str(event.args)))
        self._panel.set_visibility(False)

    def show(self, alerts: tuple[AlertView, ...]) -> None:
        unseen = [view for view in alerts if not view.seen_by]
        if self._panel.visible is not bool(unseen):
            self._panel.set_visibility(bool(unseen))
        hidden = len(unseen) - MAXIMUM_ROWS
        self._summary.text = f"{len(unseen)} to look at" + (f", {hidden} not listed" if hidden > 0 else "")
        self._rows.show([_row(view) for view in unseen[:MAXIMUM_ROWS]])

    async def _see(self, number: str) -> None:
        if number.isascii() and number.isdigit() and len(number) < 10:  # else a browser made it up
            await self._act(lambda: self._control.see_alert(int(number), self._supervisor), "Noted as seen")
