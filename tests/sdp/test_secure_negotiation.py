"""Offer and answer of SRTP: the golden files, then our own offers."""

import dataclasses
import json
from pathlib import Path

import pytest

from softswitch.errors import PeerError
from softswitch.sdp.crypto import OwnKeys
from softswitch.sdp.negotiate import MediaAgreement, make_answer, make_offer, read_answer

GOLDEN = Path(__file__).parents[1] / "golden" / "secure"
NAMES = sorted(path.name.removesuffix(".offer.sdp") for path in GOLDEN.glob("*.offer.sdp"))


def counting(size: int) -> bytes:
    return bytes(range(size))


def keys_of(letter: bytes) -> OwnKeys:
    return OwnKeys(lambda size: letter * size)


def plainly(agreement: MediaAgreement) -> dict[str, object]:
    found = dataclasses.asdict(agreement)
    for name, value in found.get("keys", {}).items():
        found["keys"][name] = value.hex() if isinstance(value, bytes) else value
    return dict(json.loads(json.dumps(found)))


def test_the_golden_files_are_there() -> None:
    assert len(NAMES) >= 20


@pytest.mark.parametrize("mode", ["optional", "required"])
@pytest.mark.parametrize("name", NAMES)
def test_an_offer_gets_its_golden_answer(name: str, mode: str) -> None:
    offer = (GOLDEN / f"{name}.offer.sdp").read_bytes()
    expected = json.loads((GOLDEN / f"{name}.agreement.json").read_text())[mode]
    options = {"session_id": 42, "version": 5, "keys": OwnKeys(counting), "plain": mode == "optional"}
    if "refused" in expected:
        with pytest.raises(PeerError) as refused:
            make_answer(offer, "198.51.100.1", 20000, **options)
        assert (refused.value.status, str(refused.value)) == (expected["refused"], expected["because"])
        return
    answer, agreement = make_answer(offer, "198.51.100.1", 20000, **options)
    assert answer == (GOLDEN / f"{name}.{mode}.sdp").read_bytes()
    assert plainly(agreement) == expected


@pytest.mark.parametrize("name", NAMES)
def test_without_keys_of_ours_an_offer_of_srtp_is_refused(name: str) -> None:
    offer = (GOLDEN / f"{name}.offer.sdp").read_bytes()
    try:
        answer, agreement = make_answer(offer, "198.51.100.1", 20000, session_id=42)
    except PeerError as refused:
        assert refused.status == 488
    else:
        assert agreement.keys is None
        assert b"a=crypto" not in answer and b"20000 RTP/AVP " in answer


@pytest.mark.parametrize("plain", [True, False])
def test_both_ends_come_to_mirrored_keys(plain: bool) -> None:
    offer = make_offer("198.51.100.1", 20000, session_id=1, keys=keys_of(b"a"))
    assert b"m=audio 20000 RTP/SAVP 0 8 101\r\na=crypto:1 AEAD_AES_128_GCM inline:" in offer
    answer, answerer = make_answer(offer, "192.0.2.1", 4000, session_id=2, keys=keys_of(b"b"), plain=plain)
    offerer = read_answer(offer, answer)
    assert offerer.keys is not None and answerer.keys is not None
    assert (offerer.keys.sending, offerer.keys.receiving) == (b"a" * 28, b"b" * 28)
    assert (answerer.keys.sending, answerer.keys.receiving) == (b"b" * 28, b"a" * 28)


def test_an_answer_of_plain_rtp_to_an_offer_of_srtp_is_refused_and_the_other_way_round() -> None:
    secure = make_offer("198.51.100.1", 20000, session_id=1, keys=keys_of(b"a"))
    plain = make_offer("198.51.100.1", 20000, session_id=1)
    plain_answer, _ = make_answer(plain, "192.0.2.1", 4000, session_id=2)
    secure_answer, _ = make_answer(secure, "192.0.2.1", 4000, session_id=2, keys=keys_of(b"b"))
    for offer, answer in ((secure, plain_answer), (plain, secure_answer)):
        with pytest.raises(PeerError) as refused:
            read_answer(offer, answer)
        assert refused.value.status == 488


def test_an_answer_of_srtp_without_a_key_is_refused() -> None:
    offer = make_offer("198.51.100.1", 20000, session_id=1, keys=keys_of(b"a"))
    answer, _ = make_answer(offer, "192.0.2.1", 4000, session_id=2, keys=keys_of(b"b"))
    bare = b"\r\n".join(line for line in answer.split(b"\r\n") if not line.startswith(b"a=crypto"))
    with pytest.raises(PeerError, match="takes up no key"):
        read_answer(offer, bare)


def test_a_second_answer_names_the_same_key() -> None:
    offer = make_offer("198.51.100.1", 20000, session_id=1, keys=keys_of(b"a"))
    keys = OwnKeys(counting)
    first = make_answer(offer, "192.0.2.1", 4000, session_id=2, keys=keys)
    assert make_answer(offer, "192.0.2.1", 4000, session_id=2, keys=keys) == first
