"""The wallboard's site: interlocks with plain reasons, trunks and media."""

from nicegui import ui

from softswitch.safeguards.trunk_words import words_of
from softswitch.safeguards.wallboard import TrunkView, WallboardView, holding
from softswitch.web.elements import Bar, Figure, Pill, Text, count, panel, percent

ENOUGH_PACKETS = 1000


class InterlocksPanel:
    """One line while all is well; every open interlock with its reason otherwise."""

    def __init__(self) -> None:
        self._items: dict[str, tuple[ui.element, Text, Text]] = {}
        self._strip = ui.element("section").classes("interlocks").props('aria-label="Interlocks" aria-live=polite')
        with self._strip:
            self._verdict = Text("", "interlocks-verdict", tag="h2")

    def show(self, board: WallboardView) -> None:
        interlocks = board.interlocks
        # A board without any interlock has not reported: that is no permission.
        held = bool(holding(board)) or not interlocks
        self._verdict.text = "Dialling is held" if held else "Dialling allowed"
        self._verdict.classes(replace=f"interlocks-verdict {'tone-alert' if held else 'tone-ready'}")
        for gone in self._items.keys() - {view.name for view in interlocks}:
            self._items.pop(gone)[0].delete()
        for view in interlocks:
            if view.name not in self._items:
                with self._strip, ui.element("span").classes("interlock") as element:
                    sign = Text("", "interlock-sign").props("aria-hidden=true")
                    Text(view.name, "interlock-name")
                    self._items[view.name] = (element, sign, Text("", "interlock-reason"))
            element, sign, reason = self._items[view.name]
            sign.text = "✓" if view.closed else "✕"
            reason.text = "" if view.closed else (view.reason or "no reason given")
            element.classes(replace=f"interlock {'is-closed' if view.closed else 'is-open'}")


class TrunksPanel:
    def __init__(self) -> None:
        self._rows: dict[str, tuple[ui.element, Pill, Bar, Text, Text]] = {}
        self._list = panel("Trunks", "trunks")

    def show(self, trunks: tuple[TrunkView, ...]) -> None:
        for gone in self._rows.keys() - {view.name for view in trunks}:
            self._rows.pop(gone)[0].delete()
        for view in trunks:
            if view.name not in self._rows:
                with self._list, ui.element("div").classes("trunk") as element:
                    Text(view.name, "trunk-name")
                    self._rows[view.name] = (
                        element,
                        Pill(),
                        Bar(f"Channels in use, {view.name}"),
                        Text("", "meter-value"),
                        Text("", "trunk-trouble"),
                    )
            _, state, bar, text, trouble = self._rows[view.name]
            words = words_of(view.state, view.refusal)
            state.show(words.short, words.tone)
            state.props["title"] = words.long
            trouble.text = "" if words.tone == "ready" else words.long
            share = view.calls / view.channels if view.channels else 0.0
            bar.show(share, tone="wrap" if share >= 0.9 else "busy")
            servers = f", {view.servers_up} of {view.servers} servers" if view.servers_up < view.servers else ""
            text.text = f"{view.calls} of {view.channels}{servers}"


class MediaPanel:
    def __init__(self) -> None:
        self._last: tuple[float, int] | None = None
        with panel("Media", "media"), ui.element("div").classes("figures"):
            self._rate = Figure("packets/s")
            self._lost = Figure("lost")
            self._cost = Figure("µs a packet")
            self._deaths = Figure("restarts")

    def show(self, view: WallboardView) -> None:
        if self._last is not None and view.uptime_s - self._last[0] >= 1.0:
            self._rate.show(count((view.media_packets_in - self._last[1]) / (view.uptime_s - self._last[0])))
        if self._last is None or view.uptime_s - self._last[0] >= 1.0:
            self._last = (view.uptime_s, view.media_packets_in)
        expected = view.media_packets_in + view.media_packets_lost
        lost = view.media_packets_lost / expected if expected else 0.0
        self._lost.show(percent(lost), "warn" if lost >= 0.01 else "")
        enough = view.media_packets_in >= ENOUGH_PACKETS  # before, it is what the start has cost
        self._cost.show(f"{view.media_us_per_packet:.1f}" if enough else "–")
        self._deaths.show(count(view.media_deaths), "warn" if view.media_deaths else "")
