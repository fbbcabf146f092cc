"""Payload formats by name and number."""

import pytest
from softswitch.codecs.registry import PCMA, STATIC_FORMATS, CodecCode, audio_code, format_named

from softswitch.errors import UsageError


def test_names_are_found_whatever_their_case():
    assert format_named("pcma") is PCMA
    assert format_named("Telephone-Event").static_payload_type is None


def test_static_numbers_are_those_of_rfc_3551():
    assert {number: entry.name for number, entry in STATIC_FORMATS.items()} == {0: "PCMU", 8: "PCMA", 13: "CN"}


def test_only_audio_has_a_kernel_code():
    assert audio_code("PCMU") is CodecCode.PCMU
    with pytest.raises(UsageError, match="no audio"):
        audio_code("CN")
    with pytest.raises(UsageError, match="unknown"):
        audio_code("opus")
