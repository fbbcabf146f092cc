"""A line's media follow what is said of them in its signalling: early, changed, held, asked for late."""

from itertools import count

import pytest

from softswitch.calls.events import (
    CallAnswered,
    CallOffered,
    CallRinging,
    MediaReoffered,
    Origin,
    ReofferAnswered,
    TransferAsked,
)
from softswitch.config import Connect
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import MediaFormat
from softswitch.sdp.negotiate import make_answer
from softswitch.sdp.session import SessionDescription

THEIRS = "192.0.2.9"


class Plane:
    """Where media would go."""

    def __init__(self) -> None:
        self.connected: list[tuple[str, int]] = []
        self.latched: list[bool] = []
        self.formats: list[MediaFormat] = []
        self.reported_to: list[tuple[str, int] | None] = []
        self.held: list[bool] = []

    def open_leg(self) -> int:
        return 7

    def port_of(self, media: int) -> int:
        return 20_000

    def connect(
        self,
        media: int,
        remote: tuple[str, int],
        form: MediaFormat,
        *,
        latch: bool = False,
        signals_from: str = "",
        reports_to: tuple[str, int] | None = None,
        secure: object = None,
    ) -> None:
        self.connected.append(remote)
        self.latched.append(latch)
        self.formats.append(form)
        self.reported_to.append(reports_to)

    def hold(self, media: int, on: bool) -> None:
        self.held.append(on)


class Pool:
    """What the line says to its leg."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def place_call(self, leg_id: str, account: str, number: str, offer: bytes, now: float, **more: object) -> None:
        self.said.append(("offer", offer))

    def ring_phone(self, leg_id: str, agent: str, offer: bytes, now: float, *, call_ref: str) -> None:
        self.said.append(("ring", agent, call_ref))

    def signals_from(self, leg_id: str) -> str:
        return THEIRS

    def answer(self, leg_id: str, sdp: bytes, now: float) -> None:
        self.said.append(("answered", leg_id))

    def answer_reoffer(self, leg_id: str, sdp: bytes | None, now: float) -> None:
        self.said.append(("answer", sdp))

    def answer_transfer(self, leg_id: str, status: int, now: float) -> None:
        self.said.append(("transfer", status))

    def hang_up(self, leg_id: str, now: float) -> None:
        self.said.append(("hang up",))


class Owner:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def line_ringing(self, line: object, now: float) -> None:
        self.heard.append("ringing")

    def line_answered(self, line: object, now: float) -> None:
        self.heard.append("answered")


class Site:
    def __init__(self) -> None:
        self.plane, self.pool, self.owner = Plane(), Pool(), Owner()
        lines = Lines(self.pool, self.plane, "198.51.100.1", lambda: 0.0, lambda event: None)  # type: ignore[arg-type]
        self.line = lines.dial("leg", "carrier", "+447700900123", "", self.owner, 0.0)  # type: ignore[arg-type]
        self.lines = lines
        self._versions = count(1)

    def offer(self, port: int, direction: str = "sendrecv", address: str = THEIRS) -> bytes:
        head = f"v=0\r\no=- 1 {next(self._versions)} IN IP4 {THEIRS}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        return f"{head}m=audio {port} RTP/AVP 0\r\na={direction}\r\n".encode()

    def answer(self, port: int) -> bytes:
        return make_answer(self.line.offer, THEIRS, port, session_id=1)[0]

    def hear(self, event) -> None:
        self.lines.receive_call_event(event, 0.0)


@pytest.fixture
def site() -> Site:
    return Site()


def version_of(sdp: bytes) -> int:
    origin = SessionDescription.parse(sdp).origin
    assert origin is not None
    return origin.version


def test_early_media_stand_for_the_answer_that_a_200_leaves_out(site: Site) -> None:
    site.hear(CallRinging("leg", 183, site.answer(4000)))
    site.hear(CallAnswered("leg", b""))
    assert site.plane.connected == [(THEIRS, 4000)]
    assert site.owner.heard == ["ringing", "answered"]


def test_the_plane_learns_how_long_packets_may_be_and_where_reports_go(site: Site) -> None:
    site.hear(CallAnswered("leg", site.answer(4000) + b"a=maxptime:10\r\na=rtcp:5000 IN IP4 192.0.2.77\r\n"))
    site.hear(MediaReoffered("leg", site.offer(4000)))
    assert [form.maxptime_ms for form in site.plane.formats] == [10, 0]
    assert site.plane.reported_to == [("192.0.2.77", 5000), None]


def test_media_that_were_changed_before_the_answer_stay_changed(site: Site) -> None:
    site.hear(CallRinging("leg", 183, site.answer(4000)))
    site.hear(MediaReoffered("leg", site.offer(5000)))
    site.hear(CallAnswered("leg", b""))
    assert site.plane.connected == [(THEIRS, 5000)]
    assert site.owner.heard == ["ringing", "answered"]


@pytest.mark.parametrize("hold", [{"direction": "sendonly"}, {"direction": "inactive"}, {"address": "0.0.0.0"}])
def test_a_held_line_is_sent_nothing_until_it_is_resumed(site: Site, hold: dict[str, str]) -> None:
    site.hear(CallAnswered("leg", site.answer(4000)))
    site.hear(MediaReoffered("leg", site.offer(4000, **hold)))
    assert site.plane.held == [False, True]
    answer = site.pool.said[-1][1]
    assert isinstance(answer, bytes)
    assert (b"a=inactive" if hold.get("direction") == "inactive" else b"a=recvonly") in answer
    site.hear(MediaReoffered("leg", site.offer(4000)))
    assert site.plane.held == [False, True, False]


def test_our_description_takes_a_new_version_only_where_it_changes(site: Site) -> None:
    site.hear(CallAnswered("leg", site.answer(4000)))
    versions = []
    for direction in ("sendonly", "sendonly", "sendrecv", "sendrecv"):
        site.hear(MediaReoffered("leg", site.offer(4000, direction)))
        versions.append(version_of(site.pool.said[-1][1]))  # type: ignore[arg-type]
    assert versions == [2, 2, 3, 3]


def test_who_asks_for_our_offer_gets_it_and_its_answer_counts(site: Site) -> None:
    site.hear(CallAnswered("leg", site.answer(4000)))
    site.hear(MediaReoffered("leg", b""))
    said, offer = site.pool.said[-1]
    assert said == "answer"
    site.hear(ReofferAnswered("leg", make_answer(offer, THEIRS, 6000, session_id=1)[0]))  # type: ignore[arg-type]
    assert site.plane.connected[-1] == (THEIRS, 6000)


def test_what_was_refused_beside_the_audio_keeps_its_place_in_our_offers(site: Site) -> None:
    site.hear(CallAnswered("leg", site.answer(4000)))
    video, audio = b"m=video 5000 RTP/AVP 96\r\n", b"m=audio 4000 RTP/AVP 0\r\n"
    site.hear(MediaReoffered("leg", site.offer(4000).partition(b"m=")[0] + video + audio))
    site.hear(MediaReoffered("leg", b""))
    offer = site.pool.said[-1][1]
    assert isinstance(offer, bytes)
    ours = SessionDescription.parse(offer).media
    assert [(media.kind, media.port > 0) for media in ours] == [("video", False), ("audio", True)]
    site.hear(ReofferAnswered("leg", make_answer(offer, THEIRS, 6000, session_id=1)[0]))
    assert site.plane.connected[-1] == (THEIRS, 6000)


def test_a_refresh_that_repeats_our_answer_is_answered_in_its_lines(site: Site) -> None:
    site.hear(CallAnswered("leg", site.answer(4000)))
    site.hear(MediaReoffered("leg", b"m=video 5000 RTP/AVP 96\r\nm=audio".join(site.offer(4000).split(b"m=audio"))))
    refresh = site.pool.said[-1][1]
    assert isinstance(refresh, bytes)
    site.hear(ReofferAnswered("leg", make_answer(refresh, THEIRS, 6000, session_id=1)[0]))
    assert site.plane.connected[-1] == (THEIRS, 6000)
    assert ("hang up",) not in site.pool.said


def test_an_offer_that_does_not_fit_is_refused_and_the_line_stays(site: Site) -> None:
    site.hear(CallAnswered("leg", site.answer(4000)))
    site.hear(MediaReoffered("leg", b"v=0\r\n"))
    assert site.pool.said[-1] == ("answer", None)


def test_a_refresh_that_is_accepted_without_an_answer_leaves_the_media_as_they_were(site: Site) -> None:
    site.hear(CallAnswered("leg", site.answer(4000)))
    said = list(site.pool.said)
    site.hear(ReofferAnswered("leg", b""))
    assert (site.plane.connected, site.pool.said) == ([(THEIRS, 4000)], said)
    site.hear(ReofferAnswered("leg", b"v=0\r\n"))
    assert site.pool.said[-1] == ("hang up",)


@pytest.mark.parametrize(
    ("origin", "address", "is_behind_nat"),
    [
        (Origin.PHONE, THEIRS, False),
        (Origin.PHONE, "10.0.0.5", True),
        (Origin.TRUNK, "10.0.0.5", False),  # whoever speaks first is nobody to hear a callee
    ],
)
def test_media_of_a_phone_that_signals_from_elsewhere_may_come_from_elsewhere(
    site: Site, origin: Origin, address: str, is_behind_nat: bool
) -> None:
    offered = CallOffered("caller", origin, "source", "login", "", site.offer(4000, address=address), 12)
    assert site.lines.accept(offered, site.owner, 0.0) is not None  # type: ignore[arg-type]
    assert (site.plane.connected, site.plane.latched) == ([(address, 4000)], [is_behind_nat])


def test_a_phone_behind_nat_that_is_rung_is_heard_too(site: Site) -> None:
    line = site.lines.ring_phone("phone", "1001", "c-1", site.owner, 0.0)  # type: ignore[arg-type]
    answer, _ = make_answer(line.offer, "192.168.1.7", 4000, session_id=1)
    site.hear(CallAnswered("phone", answer))
    assert (site.plane.connected, site.plane.latched) == ([("192.168.1.7", 4000)], [True])


def test_no_transfer_is_granted_whoever_asks(site: Site) -> None:
    site.hear(TransferAsked("leg", "+447700900999"))
    assert site.pool.said[-1] == ("transfer", 603)


def test_a_phone_that_is_rung_for_a_call_learns_its_reference_and_nothing_else(site: Site) -> None:
    agents = AgentLines(
        site.lines, {"1001": Connect.RING_PER_CALL}, lambda: "agent-leg",
        on_arrived=lambda agent, now: None, on_gone=lambda agent, now: None, silence_s=0,
    )  # fmt: skip
    offered = CallOffered("caller", Origin.TRUNK, "carrier", "site", "", site.offer(4000), 12)
    caller = site.lines.accept(offered, site.owner, 0.0)  # type: ignore[arg-type]
    assert caller is not None
    agents.connect("1001", caller, "c-1", 0.0)
    assert site.pool.said[-1] == ("ring", "1001", "c-1")
