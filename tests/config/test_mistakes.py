"""Configurations: how a mistake is named with its line and key."""

from pathlib import Path

import pytest

from softswitch.config import (
    load,
    problems,
)
from softswitch.errors import UsageError
from tests.config.good_site import GOOD, changed

BAD = [
    # (line of the good file, what it is changed to, key, part of the text)
    ("port = 5070", "prot = 5070", "sip.prot", 'did you mean "port"?'),
    ("port = 5070", 'port = "many"', "sip.port", "whole number"),
    ("port = 5070", "port = 70000", "sip.port", "less than or equal to 65535"),
    ("port = 5070", "port = 20010", "sip.port", "media ports 20000-20999"),
    ("port = 5070", 'transports = ["tpc"]', "sip.transports[0]", "'tcp'"),
    ("port = 5070", 'transports = ["tls"]', "sip.transports", "certificate_key"),
    ("port = 5070", 'certificate = "gone.pem"', "sip.certificate", "no file"),
    ("port = 5070", "client_certificates = true", "sip.client_certificates", "client_authorities"),
    ("port = 5070", 'addresses = ["127.0.0.5"]', "sip.addresses", "one for IPv6"),
    ("port = 5070", 'addresses = ["fe80::7"]', "sip.addresses[0]", "link-local"),
    ("port = 5070", "port = 8080", "sip.port", "that of [web]"),
    ("port = 5070", 'certificate_key = "key.pem"', "sip.certificate_key", "certificate is missing"),
    ("port = 5070", "connections_per_address = 5000", "sip.connections_per_address", "2000"),
    ("port = 5070", "session_s = 60", "sip.session_s", "must be 0, or from 90 to 86400"),
    ("port = 5070", 'may_transfer = ["carier"]', "sip.may_transfer[0]", 'did you mean "carrier"?'),
    ("port = 5070", 'may_transfer = ["1001"]', "sip.may_transfer[0]", "agents never transfer"),
    ("port = 5070", 'ws_port = 5060\ntransports = ["tcp", "ws"]', "sip.ws_port", "more than one"),
    ('address = "127.0.0.1"', 'address = "0.0.0.0"', "sip.address", "trunks and phones reach"),
    ('address = "127.0.0.1"', 'address = "my host"', "sip.address", "IP address"),
    ('time_zone = "Europe/London"', 'time_zone = "Europe/Lundon"', "site.time_zone", "IANA"),
    ('time_zone = "Europe/London"', 'country = "UK"', "site.country", "GB"),
    ("[sip]", "[spi]", "spi", 'did you mean "sip"?'),
    ('who = "who.wav"', 'who = "gone.wav"', "prompts.who", "no file"),
    ('auditor_public_key = "auditor.pub"', 'auditor_public_key = "gone"', "recordings.auditor_public_key", "neither"),
    ('host = "127.0.0.2"', "", "trunks[0]", "host is missing"),
    ('host = "127.0.0.2"', 'host = "a b"', "trunks[0].host", "a host name such as"),
    ("register = true", "register = 7", "trunks[0].register", "true or false"),
    ('host = "127.0.0.2"', 'host = "192.0.2"', "trunks[0].host", "host name such as"),
    ('host = "127.0.0.2"', 'host = ".1"', "trunks[0].host", "host name such as"),
    ('host = "127.0.0.2"', 'host = "[.1]"', "trunks[0].host", "host name such as"),
    ("register = true", 'transport = "ws"\nregister = true', "trunks[0].transport", "'tls'"),
    ("register = true", 'addresses = ["carrier"]\nregister = true', "trunks[0].addresses[0]", "IP address"),
    ("register = true", "failover_after_s = 60\nregister = true", "trunks[0].failover_after_s", "32"),
    ('host = "127.0.0.2"', 'host = "2001:db8::2"', "trunks[0].host", "no IPv6 address"),
    ("register = true", "options_s = 1\nregister = true", "trunks[0].options_s", "must be 0, or from 5 to 3600"),
    ("register = true", "options_s = -1\nregister = true", "trunks[0].options_s", "0"),
    ("register = true", 'routes = [{ prefix = "0044" }]\nregister = true', "trunks[0].routes[0].prefix", "pattern"),
    ("register = true", "routes = [{}, {}]\nregister = true", "trunks[0].routes[1].prefix", "there twice"),
    ("register = true", "routes = [{}]\ncost = 2.0\nregister = true", "trunks[0].routes", "no effect"),
    ('username = "site"', "", "trunks[0].register", "needs a username"),
    ('password = "hunter-7-secret"', "password = 7890123", "trunks[0].password", "text in quotes"),
    ('caller_id = "+442079460100"', 'caller_id = "020 7946 0100"', "trunks[0].caller_id", "E.164"),
    ('caller_id = "+442079460100"', 'caller_id = "+449098790123"', "trunks[0].caller_id", "premium"),
    ('caller_id = "+442079460100"', "", "campaigns[0].caller_id", "will not start"),
    ("register = true", 'identity = "x"\nregister = true', "trunks[0].identity", "'pai'"),
    ("register = true", "withhold_caller_id = true\nregister = true", "trunks[0].withhold_caller_id", "valid number"),
    ("register = true", 'stir_x5u = "http://a/b"\nregister = true', "trunks[0].stir_x5u", "pattern"),
    ("register = true", 'attestation = "D"\nregister = true', "trunks[0].attestation", "'A'"),
    ("register = true", 'stir_authorities = "gone"\nregister = true', "trunks[0].stir_authorities", "no folder"),
    ('policy = "progressive"', 'caller_ids = ["020"]', "campaigns[0].caller_ids[0]", "E.164"),
    ('policy = "progressive"', 'caller_ids = ["+449098790123"]', "campaigns[0].caller_ids[0]", "premium"),
    ('id = "1001"', "id = 1001", "agents[0].id", "text in quotes"),
    ('id = "1002"', 'id = "1001"', "agents[1].id", "used twice"),
    ('phone_username = "p1002"', 'phone_username = "p1001"', "agents[1].phone_username", "used twice"),
    ('phone_password = "phone-7-secret"', "", "agents[0]", "phone_password is missing"),
    ('phone_username = "p1001"', "", "agents[0]", "phone_username is missing"),
    ('phone_password_file = "p1002.secret"', 'phone_password_file = "x"', "agents[1].phone_password_file", "no file"),
    ('connect = "ring-per-call"', 'connect = "nailed"', "agents[1].connect", "nailed-up"),
    ('trunk = "carrier"', 'trunk = "carier"', "campaigns[0].trunk", 'did you mean "carrier"?'),
    ('information_message = "who"', 'information_message = "hwo"', "campaigns[0].information_message", '"who"?'),
    ('information_message = "who"', "", "campaigns[0].information_message", "will not start"),
    ('weekdays = ["mon", "Saturday"]', 'weekdays = ["mon", "sut"]', "campaigns[0].weekdays[1]", "is no day"),
    ("holidays = [2027-12-25]", 'holidays = ["soon"]', "campaigns[0].holidays[0]", "2027-12-25"),
    ("closes = 20:30:00", "closes = 08:30:00", "campaigns[0].closes", "not after opens 09:00"),
    ('policy = "progressive"', 'policy = "wild"', "campaigns[0].policy", "'predictive'"),
    ('policy = "progressive"', "abandoned_limit = 0.05", "campaigns[0].abandoned_limit", "0.03"),
    ('policy = "progressive"', "minimum_ring_s = 5", "campaigns[0].minimum_ring_s", "15"),
    ('policy = "progressive"', "ring_timeout_s = 16\nminimum_ring_s = 18", "campaigns[0].ring_timeout_s", "shorter"),
    ('leads = "leads.csv"', 'leads = "none.csv"', "campaigns[0].leads", "no file"),
    ("[campaigns.recycle.busy]", "[campaigns.recycle.bsy]", "campaigns[0].recycle.bsy", "no outcome"),
    ("[campaigns.recycle.busy]", "[campaigns.recycle.busy-503]", "campaigns[0].recycle.busy-503", "503 is failed"),
    ("[campaigns.recycle.busy]", "[campaigns.recycle.failed-200]", "campaigns[0].recycle.failed-200", "is answered"),
    ("attempts = 2", "atempts = 2", "campaigns[0].recycle.busy.atempts", 'did you mean "attempts"?'),
    ('did = "+442079460100"', 'did = "100"', "inbound[0].did", "E.164"),
    ('agents = ["1001"]', 'agents = ["1009"]', "inbound[0].agents", 'no agent "1009"'),
    ('agents = ["1001"]', 'recording_notice = "hwo"', "inbound[0].recording_notice", 'did you mean "who"?'),
    ('agents = ["1001"]', 'greeting = "hwo"', "inbound[0].greeting", 'did you mean "who"?'),
    ('agents = ["1001"]', 'positions = ["who", "hwo"]', "inbound[0].positions", 'did you mean "who"?'),
    ('agents = ["1001"]', 'waits = [{ up_to_s = 60, prompt = "hwo" }]', "inbound[0].waits[0].prompt", '"who"?'),
    (
        'agents = ["1001"]',
        'waits = [{ up_to_s = 60, prompt = "who" }, { up_to_s = 30, prompt = "who" }]',
        "inbound[0].waits",
        "shortest first",
    ),
    ('agents = ["1001"]', 'skills = ["french"]', "inbound[0].skills", "has french"),
    ('agents = ["1001"]', "opens = 09:00:00", "inbound[0].opens", "belong together"),
    ('agents = ["1001"]', "closes = 08:00:00\nopens = 09:00:00", "inbound[0].closes", "after it opens"),
    ('agents = ["1001"]', 'overflow_trunk = "carier"', "inbound[0].overflow_trunk", 'did you mean "carrier"?'),
    ('agents = ["1001"]', 'overflow_number = "020 7946"', "inbound[0].overflow_number", "E.164"),
    ('policy = "progressive"', 'amd_point = "brave"', "campaigns[0].amd_point", "'careful'"),
    ('policy = "progressive"', "amd_review_share = 2", "campaigns[0].amd_review_share", "less than or equal to 1"),
    (
        'policy = "progressive"',
        'voicemail_message = "hwo"\nvoicemail_allowed = true',
        "campaigns[0].voicemail_message",
        'did you mean "who"?',
    ),
    ('policy = "progressive"', 'voicemail_message = "who"', "campaigns[0].voicemail_message", "voicemail_allowed"),
    (
        'policy = "progressive"',
        'voicemail_message = "who"\nvoicemail_allowed = true\npurpose = "marketing"',
        "campaigns[0].voicemail_message",
        "agreed to it before",
    ),
    ('policy = "progressive"', 'filter = "age >= 30 and open(1)"', "campaigns[0].filter", "character 15"),
    ('policy = "progressive"', 'recording_notice = "hwo"', "campaigns[0].recording_notice", 'did you mean "who"?'),
]


@pytest.mark.parametrize(
    ("old", "new", "key", "text"), BAD, ids=[f"{key}: {new or 'left out'}" for _, new, key, _ in BAD]
)
def test_a_mistake_is_named_with_its_line_and_key(site: Path, old: str, new: str, key: str, text: str) -> None:
    line = changed(site, old, new)
    found = [finding for finding in problems(site) if finding.key == key]
    assert found, [str(finding) for finding in problems(site)]
    assert text in found[0].text and found[0].fatal
    # A key that is left out is found at its table's line.
    assert found[0].line == line if new else 0 < found[0].line <= line + 20
    with pytest.raises(UsageError) as refused:
        load(site)
    assert f"line {found[0].line}: {key}: " in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "key", "text"),
    [
        ("register = true", 'register = true\nstir_x5u = "https://a/b"', "trunks[0].stir_key", "both"),
        ("register = true", 'register = true\nstir_key = "gone.pem"', "trunks[0].stir_key", "no file"),
        ('policy = "progressive"', 'caller_id = "+442079460101"\ncaller_ids = ["+442079460102"]',
         "campaigns[0].caller_id", "keep one"),
        ('policy = "progressive"', 'caller_ids = ["+442079460102", "+442079460102"]',
         "campaigns[0].caller_ids[1]", "is there twice"),
        ('policy = "progressive"', 'key_words = ["your address", "yes"]', "campaigns[0].key_words[1]", "3 letters"),
        ("[sip]", '[trace]\nhomer_password = "a"\nhomer_password_file = "b"\n[sip]',
         "trace.homer_password", "keep one"),
        ("[sip]", '[trace]\nhomer_password_file = "gone"\n[sip]', "trace.homer_password_file", "no file"),
        ("[sip]", '[trace]\nhomer = "192.0.2.9:99999"\n[sip]', "trace.homer", "no such port"),
        ("[sip]", '[trace]\nhomer = "192.0.2.9:9060"\nhomer_numbers = "whole"\n[sip]',
         "trace.homer_numbers", "127.0.0.1"),
        ("[sip]", '[trace]\nhomer = "homer.example:9060"\nhomer_numbers = "whole"\n[sip]',
         "trace.homer_numbers", "127.0.0.1"),
        ("port = 5070", 'transports = ["tcp"]', "trunks[0].transport", 'lacks "udp"'),
        ("[sip]", "[trace]\nmessages = -1\n[sip]", "trace.messages", "greater"),
        ("port = 5070", 'phone_srtp = "always"', "sip.phone_srtp", "'off', 'optional' or 'required'"),
        ("[sip]", '[trace]\nhomer = "host"\n[sip]', "trace.homer", "pattern"),
        ('phone_username = "p1002"\nphone_password_file = "p1002.secret"', "", "agents[1].connect", "no phone to ring"),
    ],
)  # fmt: skip
def test_a_mistake_between_keys_is_named(site: Path, old: str, new: str, key: str, text: str) -> None:
    changed(site, old, new)
    found = [finding for finding in problems(site) if finding.key == key and finding.fatal]
    assert any(text in finding.text for finding in found), [str(finding) for finding in problems(site)]


SUE = """[[supervisors]]
id = "sue"
phone_username = "psue"
phone_password = "phone-8-secret"
"""


@pytest.mark.parametrize(
    ("old", "new", "key", "text"),
    [
        ('id = "sue"', 'id = "1001"', "supervisors[0].id", "is an agent"),
        ('id = "sue"', "", "supervisors[0]", "id is missing"),
        ('"psue"', '"p1002"', "supervisors[0].phone_username", "phone of an agent"),
        ('phone_password = "phone-8-secret"', "", "supervisors[0]", "anybody's"),
        (
            'phone_password = "phone-8-secret"',
            'phone_password_file = "x"',
            "supervisors[0].phone_password_file",
            "no file",
        ),
        ('id = "sue"', 'id = "sue"\nphone_password_file = "p1002.secret"', "supervisors[0].phone_password", "keep one"),
        ('id = "sue"', 'id = "sue"\nconnect = "nailed-up"', "supervisors[0].connect", "no such key"),
        (SUE, SUE + SUE, "supervisors[1].id", "used twice"),
        (SUE, SUE + SUE, "supervisors[1].phone_username", "used twice"),
    ],
)
def test_a_mistake_about_a_supervisor_is_named(site: Path, old: str, new: str, key: str, text: str) -> None:
    site.write_text(GOOD + SUE)
    assert problems(site) == []
    site.write_text(GOOD + SUE.replace(old, new))
    found = [finding for finding in problems(site) if finding.key == key and finding.fatal]
    assert any(text in finding.text for finding in found), [str(finding) for finding in problems(site)]


def test_a_supervisor_never_transfers(site: Path) -> None:
    site.write_text(GOOD.replace("port = 5070", 'may_transfer = ["sue"]') + SUE)
    (found,) = [finding for finding in problems(site) if finding.fatal]
    assert found.key == "sip.may_transfer[0]" and "supervisors never transfer" in found.text


@pytest.mark.parametrize(
    ("first", "last", "key", "text"),
    [
        (20001, 20999, "media.first_port", "even"),
        (20000, 20998, "media.last_port", "odd"),
        (20000, 19999, "media.last_port", "before"),
        (80, 20999, "media.first_port", "1024"),
    ],
)
def test_media_ports_come_in_pairs(site: Path, first: int, last: int, key: str, text: str) -> None:
    site.write_text(f"{GOOD}[media]\nfirst_port = {first}\nlast_port = {last}\n")
    (found,) = [finding for finding in problems(site) if finding.fatal]
    assert (found.key, text in found.text) == (key, True)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[site\n", 1, "not TOML"),
        ('[site]\nname = "a\n', 2, "not TOML"),
        ("[site]\nname = \n", 2, "not TOML"),
        ("[site]\nname = 'a'\nname = 'b'\n", 3, "not TOML"),
        ("x = [1,\n\n\n", 4, "not TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_named_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    (found,) = problems(path)
    assert said in found.text
    assert abs(found.line - line) <= 1  # where the parser noticed


def test_a_file_that_is_not_there_or_not_utf_8_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes('[site]\nname = "Zoë"\n'.encode("latin-1"))
    (found,) = problems(path)
    assert (found.line, found.text) == (2, "is not UTF-8 text")


def test_all_findings_are_listed_by_line_and_none_hides_another(site: Path) -> None:
    text = GOOD.replace("port = 5070", "prot = 1").replace('trunk = "carrier"', 'trunk = "x"\npolicey = 3')
    site.write_text(text.replace('id = "1002"', "id = 2").replace("after_s = 60", 'after_s = "x"'))
    keys = [finding.key for finding in problems(site) if finding.fatal]
    assert keys == [
        "sip.prot", "agents[1].id", "campaigns[0].trunk", "campaigns[0].policey", "campaigns[0].recycle.busy.after_s",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "said"),
    [("+35315551234", "not among those"), ("+8821234567", "never dialled"), ("+442079460000", "")],
)
def test_an_overflow_that_the_toll_guard_would_refuse_is_warned_of(site: Path, number: str, said: str) -> None:
    changed(site, 'agents = ["1001"]', f'overflow_number = "{number}"')
    found = [finding for finding in problems(site) if finding.key == "inbound[0].overflow_number"]
    assert [said in each.text and not each.fatal for each in found] == [True] * bool(said)
