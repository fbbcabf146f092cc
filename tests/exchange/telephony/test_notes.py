"""Notes are written once a turn of the loop, fit where they are kept, and are read back as they were."""

import pytest

from softswitch.errors import UsageError
from softswitch.exchange.telephony.notes import LINE_BYTES, SITE_BYTES, Notes, NoteSeal

SEAL = NoteSeal(bytes(32))


class Plane:
    """Keeps the last note of each leg and of the site, and no more than the media process can."""

    def __init__(self) -> None:
        self.lines: dict[int, bytes] = {}
        self.site = b""
        self.writes = 0

    def note(self, leg: int, content: bytes) -> None:
        if len(content) > LINE_BYTES:
            raise UsageError("too long")
        self.lines[leg] = content
        self.writes += 1

    def note_site(self, content: bytes) -> None:
        if len(content) > SITE_BYTES:
            raise UsageError("too long")
        self.site = content


class Desk:
    def __init__(self) -> None:
        self.plane = Plane()
        self.calls: dict[str, tuple[int, dict[str, object]]] = {"a": (1, {"call": "a"}), "b": (2, {"call": "b"})}
        self.turn: list = []
        self.notes = Notes(lambda: self.plane, self.calls.get, seal=SEAL, soon=self.turn.append)

    def end_turn(self) -> None:
        turn, self.turn[:] = list(self.turn), []
        for call in turn:
            call()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_call_that_changes_often_in_one_turn_is_noted_once(desk: Desk) -> None:
    for _ in range(5):
        desk.notes.line_changed("a")
    desk.notes.line_changed("b")
    assert desk.plane.writes == 0
    desk.end_turn()
    assert desk.plane.writes == 2
    assert SEAL.opened(desk.plane.lines[1]) == {"call": "a"}
    desk.notes.line_changed("a")
    desk.end_turn()
    assert desk.plane.writes == 3


def test_what_is_about_to_leave_is_noted_before_it_does(desk: Desk) -> None:
    desk.notes.write_line("a")
    assert SEAL.opened(desk.plane.lines[1]) == {"call": "a"}


def test_a_call_that_is_over_by_the_end_of_the_turn_is_not_noted(desk: Desk) -> None:
    desk.notes.line_changed("a")
    del desk.calls["a"]
    desk.end_turn()
    assert desk.plane.lines == {}


def test_the_site_has_one_note_of_many_parts_and_each_is_made_only_when_it_changed(desk: Desk) -> None:
    asked: list[str] = []

    def part(name: str, value: object):
        def make() -> object:
            asked.append(name)
            return value

        return make

    desk.notes.site_changed("agent 1001", part("agent", {"state": "ready", "since": 1.5}))
    desk.notes.site_changed("phone 1001", part("phone", [{"q": 1.0}]))
    desk.end_turn()
    desk.notes.site_changed("phone 1001", part("phone again", None))
    desk.end_turn()
    assert SEAL.opened_site(desk.plane.site) == {"agent 1001": {"state": "ready", "since": 1.5}}
    assert asked == ["agent", "phone", "phone again"]


def test_everything_is_noted_anew_in_a_media_process_that_has_nothing(desk: Desk) -> None:
    desk.notes.site_changed("campaign x", lambda: "running")
    desk.end_turn()
    desk.plane = Plane()
    desk.notes.write_anew(["a", "b"])
    assert set(desk.plane.lines) == {1, 2}
    assert SEAL.opened_site(desk.plane.site) == {"campaign x": "running"}


def test_a_long_note_is_packed_and_read_back(desk: Desk) -> None:
    note = {"call": "v=0\r\n" * 4000}
    content = SEAL.sealed(note, LINE_BYTES)
    assert len(content) <= LINE_BYTES
    assert SEAL.opened(content) == note


def test_a_note_that_is_too_long_even_packed_costs_only_itself(desk: Desk) -> None:
    desk.calls["a"] = (1, {"noise": bytes((n * n * 2654435761 >> 13) & 0xFF for n in range(40_000))})
    desk.notes.line_changed("a")
    desk.notes.line_changed("b")
    desk.end_turn()
    assert set(desk.plane.lines) == {2}


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"p", b"z123", b"p\xff\xff", SEAL.sealed({"a": 1}, 100)[:-2]],
    ids=["nothing", "a byte", "packed nothing", "numbers", "packed rubbish", "two bytes short"],
)
def test_a_note_that_cannot_be_read_is_refused_in_one_way(content: bytes) -> None:
    with pytest.raises(UsageError):
        SEAL.opened(content)
    assert SEAL.opened_site(content) == {}


def test_a_note_of_another_version_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    content = SEAL.sealed({"a": 1}, 100)
    monkeypatch.setattr("softswitch.exchange.telephony.notes.VERSION", 3)
    with pytest.raises(UsageError):
        SEAL.opened(content)


def test_a_note_tells_the_media_process_nothing_of_whom_the_call_is_with() -> None:
    note = {"call": {"lead": {"number": "+442079460123", "name": "Quillfeather"}}, "keys": "aWw4c2VjcmV0"}
    content = SEAL.sealed(note, LINE_BYTES)
    assert all(each not in content for each in (b"2079460123", b"Quillfeather", b"aWw4c2VjcmV0", b"number"))
    assert SEAL.sealed(note, LINE_BYTES) != content


def test_the_next_process_of_the_site_opens_it_and_that_of_another_site_does_not() -> None:
    content = SEAL.sealed({"a": 1}, LINE_BYTES)
    assert NoteSeal(bytes(32)).opened(content) == {"a": 1}
    with pytest.raises(UsageError):
        NoteSeal(b"\1" * 32).opened(content)


def test_a_note_that_was_changed_by_one_bit_anywhere_is_not_read() -> None:
    content = SEAL.sealed({"a": 1}, LINE_BYTES)
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1
        with pytest.raises(UsageError):
            SEAL.opened(bytes(changed))
