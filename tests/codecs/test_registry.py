"""Payload formats by name and number."""

import pytest
from softswitch.codecs.registry import (
    AUDIO_FORMATS,
    FORMATS,
    G722,
    L16,
    L16_WIDE,
    PCMA,
    CodecCode,
    audio_code,
    format_named,
)

from softswitch.errors import UsageError


def test_names_are_found_whatever_their_case():
    assert format_named("pcma") is PCMA
    assert format_named("g722") is G722
    assert format_named("Telephone-Event").static_payload_type is None


def test_static_numbers_are_those_of_rfc_3551():
    static = [entry for entry in FORMATS.values() if entry.static_payload_type is not None]
    numbers = {entry.static_payload_type: entry.name for entry in static}
    assert numbers == {0: "PCMU", 8: "PCMA", 9: "G722", 13: "CN"}


def test_the_codes_in_shared_arrays_never_change():
    assert {code.name: int(code) for code in CodecCode} == {
        "NONE": 0, "PCMU": 1, "PCMA": 2, "G722": 3, "L16": 4, "L16_WIDE": 5,
    }  # fmt: skip
    assert {code: entry.code for code, entry in AUDIO_FORMATS.items()} == {code: code for code in CodecCode if code}


def test_only_audio_has_a_kernel_code():
    assert audio_code("PCMU") is CodecCode.PCMU
    with pytest.raises(UsageError, match="no audio"):
        audio_code("CN")
    with pytest.raises(UsageError, match="unknown"):
        audio_code("opus")


def test_linear_audio_is_told_apart_by_its_clock():
    assert format_named("L16") is L16
    assert format_named("l16", 16000) is L16_WIDE
    assert audio_code("L16", 16000) is CodecCode.L16_WIDE
    with pytest.raises(UsageError, match="44100"):
        audio_code("L16", 44100)


def test_g722_counts_timestamps_at_half_the_rate_of_its_samples():
    assert (G722.clock_hz, G722.sample_rate_hz) == (8000, 16000)


def test_a_frame_is_twenty_milliseconds():
    sizes = {entry.code: entry.frame_bytes for entry in AUDIO_FORMATS.values()}
    assert sizes[CodecCode.PCMU] == sizes[CodecCode.PCMA] == 8000 // 50
    assert sizes[CodecCode.G722] == 64_000 // 8 // 50  # bit/s
    assert (sizes[CodecCode.L16], sizes[CodecCode.L16_WIDE]) == (2 * 8000 // 50, 2 * 16_000 // 50)
