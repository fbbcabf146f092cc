"""`a=crypto` lines: what is read, what is passed over, what is malformed, and that keys stay out of sight."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.errors import PeerError
from softswitch.sdp.crypto import KEYING_BYTES, OFFERED_SUITES, Crypto, OwnKeys, SrtpKeys, first_usable, settle

SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY = bytes(range(30))
TEXT = base64.b64encode(KEY).decode()


def test_the_line_of_rfc_4568_is_read() -> None:
    found = Crypto.parse(f"1 {SUITE} inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4")
    assert found == Crypto(1, SUITE, b"YS___semctl () {\t220;}\n}\nunles", b"\0\0\0\1", 2**20)


@pytest.mark.parametrize(
    ("info", "mki", "lifetime"),
    [
        (TEXT, b"", None),
        (f"{TEXT}|2^31", b"", 2**31),
        (f"{TEXT}|1048577", b"", 1048577),
        (f"{TEXT}|2^48|255:1", b"\xff", 2**48),
        (f"{TEXT}|7:4", b"\0\0\0\x07", None),
    ],
)
def test_lifetime_and_mki_are_read_and_written_alike(info: str, mki: bytes, lifetime: int | None) -> None:
    found = Crypto.parse(f"9 {SUITE} inline:{info}")
    assert found == Crypto(9, SUITE, KEY, mki, lifetime)
    assert str(found) == f"9 {SUITE} inline:{info}"


@given(st.sampled_from(sorted(KEYING_BYTES)), st.integers(0, 999_999_999), st.binary(min_size=44, max_size=44))
def test_every_line_that_we_write_is_read_as_it_was_meant(suite: str, tag: int, key: bytes) -> None:
    line = Crypto(tag, suite, key[: KEYING_BYTES[suite]])
    assert Crypto.parse(str(line)) == line


@given(st.text(max_size=80) | st.from_regex(r"[0-9]{1,10} \w+ inline:[A-Za-z0-9+/=|:^;]*( [!-~]+)*", fullmatch=True))
def test_no_text_whatever_raises_anything_but_a_peers_error(text: str) -> None:
    try:
        Crypto.parse(text)
    except PeerError as error:
        assert error.status == 488
    first_usable([text, text])


@pytest.mark.parametrize(
    "value",
    [
        f"1 F8_128_HMAC_SHA1_80 inline:{TEXT}",
        f"1 AES_256_CM_HMAC_SHA1_80 inline:{TEXT}",
        f"1 {SUITE} inline:{TEXT}|1:4;inline:{TEXT}|2:4",
        f"1 {SUITE} outline:{TEXT}",
        f"1 {SUITE} inline:{TEXT} UNENCRYPTED_SRTP",
        f"1 {SUITE} inline:{TEXT} UNENCRYPTED_SRTCP",
        f"1 {SUITE} inline:{TEXT} UNAUTHENTICATED_SRTP",
        f"1 {SUITE} inline:{TEXT} KDR=3",
        f"1 {SUITE} inline:{TEXT} FEC_ORDER=FEC_SRTP",
        f"1 {SUITE} inline:{TEXT} SOMETHING_NEW",
        f"1 {SUITE} inline:{TEXT}|2^19",
        f"1 {SUITE} inline:{TEXT}|1:5",
    ],
)
def test_what_we_cannot_follow_is_passed_over(value: str) -> None:
    assert Crypto.parse(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "", "1", f"1 {SUITE}", f"x {SUITE} inline:{TEXT}", f"-1 {SUITE} inline:{TEXT}",
        f"1234567890 {SUITE} inline:{TEXT}",
        f"1 {SUITE} {TEXT}", f"1 {SUITE} inline:", f"1 {SUITE} inline:{TEXT[:-1]}", f"1 {SUITE} inline:{TEXT}AAAA",
        f"1 {SUITE} inline:{TEXT}|", f"1 {SUITE} inline:{TEXT}|0", f"1 {SUITE} inline:{TEXT}|2^49",
        f"1 {SUITE} inline:{TEXT}|2^9999999", f"1 {SUITE} inline:{TEXT}|1:0", f"1 {SUITE} inline:{TEXT}|256:1",
        f"1 {SUITE} inline:{TEXT}|1:129", f"1 {SUITE} inline:{TEXT}|1:4|2^31", f"1 {SUITE} inline:{TEXT[:-2]}-_",
        f"1 {SUITE} inline:{TEXT};", f"1 {SUITE} inline:{TEXT} WSH=63", f"1 {SUITE} inline:{TEXT}\u00e9",
    ],
)  # fmt: skip
def test_malformed_lines_are_488(value: str) -> None:
    with pytest.raises(PeerError) as refused:
        Crypto.parse(value)
    assert refused.value.status == 488
    assert TEXT not in str(refused.value)


def test_a_line_that_is_malformed_or_unknown_does_not_spoil_the_next() -> None:
    good = f"3 {SUITE} inline:{TEXT}"
    assert first_usable(["1 nonsense", f"2 F8_128_HMAC_SHA1_80 inline:{TEXT}", good]) == Crypto(3, SUITE, KEY)
    assert first_usable([]) is None


def test_an_offer_has_a_key_of_its_own_for_each_suite_and_repeats_them() -> None:
    made = []

    def chance(size: int) -> bytes:
        made.append(bytes([len(made)]) * size)
        return made[-1]

    keys = OwnKeys(chance)
    lines = keys.offer()
    assert [(line.tag, line.suite) for line in lines] == list(enumerate(OFFERED_SUITES, 1))
    assert len({line.key for line in lines}) == len(lines) == len(made)
    assert keys.offer() == lines and len(made) == len(lines)


def test_offer_and_answer_settle_on_the_same_keys() -> None:
    theirs, ours = OwnKeys(lambda size: b"a" * size), OwnKeys(lambda size: b"b" * size)
    offered = theirs.offer()
    taken = first_usable([str(line) for line in offered])
    assert taken is not None
    line, settled = ours.answer(taken)
    seen = settle([str(each) for each in offered], [str(line)])
    assert (settled.sending, settled.receiving) == (seen.receiving, seen.sending)
    assert settled.suite == seen.suite == OFFERED_SUITES[0]


def test_an_answer_that_takes_up_no_line_of_ours_is_488() -> None:
    ours = [f"1 {SUITE} inline:{TEXT}"]
    other = base64.b64encode(bytes(30)).decode()
    assert settle(ours, [f"1 {SUITE} inline:{other}|2^31|1:2"]) == SrtpKeys(SUITE, KEY, bytes(30), b"\0\1")
    good = f"1 {SUITE} inline:{other}"
    for theirs in ([], [good, good], [f"2 {SUITE} inline:{other}"], [f"1 AES_CM_128_HMAC_SHA1_32 inline:{other}"],
                   [f"{good} UNENCRYPTED_SRTP"], ours, ["nonsense"]):  # fmt: skip
        with pytest.raises(PeerError) as refused:
            settle(ours, theirs)
        assert refused.value.status == 488


def test_no_repr_shows_a_key() -> None:
    keys = OwnKeys(lambda size: b"secret" * 8)
    line, settled = keys.answer(Crypto(1, SUITE, b"secret" * 5))
    assert "secret" not in f"{line!r} {settled!r} {keys!r}"
