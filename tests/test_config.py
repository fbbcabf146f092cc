"""Configurations: what may be said, and how a mistake is named with its line and key."""

import re
from datetime import date, time
from pathlib import Path

import pytest

from softswitch.config import (
    campaign_of,
    carrier_account,
    load,
    phone_account,
    problems,
    recordings_directory,
    routes_of,
    store_url,
)
from softswitch.config.fields import Section
from softswitch.config.settings import Connect
from softswitch.config.toml_lines import TomlLines
from softswitch.dialler.campaign import AmdMode, Policy, RecycleRule
from softswitch.errors import UsageError
from softswitch.ua.routes import Route

ROOT = Path(__file__).resolve().parent.parent

GOOD = """\
[site]
name = "Site"
time_zone = "Europe/London"

[sip]
address = "127.0.0.1"
port = 5070

[safeguards]
never_dial = "never.csv"

[prompts]
who = "who.wav"

[[trunks]]
name = "carrier"
host = "127.0.0.2"
register = true
username = "site"
password = "hunter-7-secret"
caller_id = "+442079460100"

[[agents]]
id = "1001"
phone_username = "p1001"
phone_password = "phone-7-secret"

[[agents]]
id = "1002"
phone_username = "p1002"
phone_password_file = "p1002.secret"
connect = "ring-per-call"

[[campaigns]]
name = "survey"
trunk = "carrier"
information_message = "who"
weekdays = ["mon", "Saturday"]
holidays = [2027-12-25]
closes = 20:30:00
policy = "progressive"
start = true
leads = "leads.csv"

[campaigns.recycle.busy]
after_s = 60
attempts = 2

[[inbound]]
did = "+442079460100"
agents = ["1001"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("who.wav", "never.csv", "leads.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "p1002.secret").write_text("from a file\n")
    path = tmp_path / "site.toml"
    path.write_text(GOOD)
    path.chmod(0o640)
    return path


def changed(site: Path, old: str, new: str) -> int:
    """Replace a line of the good file; the line's number."""
    assert GOOD.count(old) == 1, old
    site.write_text(GOOD.replace(old, new))
    return GOOD[: GOOD.index(old)].count("\n") + 1


def test_a_good_file_has_no_findings_and_becomes_settings(site: Path) -> None:
    assert problems(site) == []
    settings = load(site)
    assert settings.sip.port == 5070
    assert settings.web.address == "127.0.0.1"
    assert settings.safeguards.never_dial == site.parent / "never.csv"
    assert settings.prompts == {"who": site.parent / "who.wav"}
    assert settings.agents[1].connect is Connect.RING_PER_CALL
    assert store_url(settings) == f"sqlite+aiosqlite:///{site.parent}/data/softswitch.db"
    assert recordings_directory(settings) == site.parent / "data" / "recordings"


def test_settings_become_the_values_that_the_rooms_work_with(site: Path) -> None:
    settings = load(site)
    account = carrier_account(settings.trunks[0])
    assert (account.name, account.host, account.register) == ("carrier", "127.0.0.2", True)
    assert account.password == "hunter-7-secret"
    assert [phone_account(agent).password for agent in settings.agents] == ["phone-7-secret", "from a file"]
    campaign = campaign_of(settings.campaigns[0], settings)
    assert campaign.caller_id == "+442079460100"  # its trunk's
    assert campaign.weekdays == frozenset({0, 5})
    assert campaign.holidays == frozenset({date(2027, 12, 25)})
    assert (campaign.opens, campaign.closes) == (time(9), time(20, 30))
    assert (campaign.amd, campaign.policy) == (AmdMode.PARALLEL, Policy.PROGRESSIVE)
    assert campaign.recycle == {"busy": RecycleRule(60.0, 2)}


def test_a_trunk_s_settings_become_its_account_and_its_routes(site: Path) -> None:
    changed(
        site,
        'host = "127.0.0.2"',
        """host = "sip.carrier.example"
transport = "tls"
addresses = ["192.0.2.7", "2001:db8::7"]
failover_after_s = 2.5
options_s = 30
routes = [{ prefix = "+447", cost = 1.5, weight = 3, priority = 1 }, { cost = 0.2 }]""",
    )
    trunk = load(site).trunks[0]
    account = carrier_account(trunk)
    assert (account.host, account.port, account.transport) == ("sip.carrier.example", None, "TLS")
    assert (account.failover_after_s, account.options_s) == (2.5, 30.0)
    assert account.addresses == ("192.0.2.7", "2001:db8::7")
    assert account.servers == (), "DNS has to say"
    assert routes_of(trunk) == [Route("carrier", "+447", 1, 1.5, 3), Route("carrier", "", 0, 0.2, 1)]


def test_a_trunk_without_routes_takes_every_number_at_its_own_price(site: Path) -> None:
    changed(site, 'host = "127.0.0.2"', 'host = "127.0.0.2"\ncost = 0.7\nweight = 0')
    assert routes_of(load(site).trunks[0]) == [Route("carrier", "", 0, 0.7, 0)]


def test_an_empty_file_is_a_site_with_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("")
    assert load(path).campaigns == ()
    assert load(path).site.data_directory == tmp_path / "data"


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
    ('host = "127.0.0.2"', "", "trunks[0]", "host is missing"),
    ('host = "127.0.0.2"', 'host = "a b"', "trunks[0].host", "pattern"),
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
    ("attempts = 2", "atempts = 2", "campaigns[0].recycle.busy.atempts", 'did you mean "attempts"?'),
    ('did = "+442079460100"', 'did = "100"', "inbound[0].did", "E.164"),
    ('agents = ["1001"]', 'agents = ["1009"]', "inbound[0].agents", 'no agent "1009"'),
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
        ("[sip]", '[trace]\nhomer_password = "a"\nhomer_password_file = "b"\n[sip]',
         "trace.homer_password", "keep one"),
        ("[sip]", '[trace]\nhomer_password_file = "gone"\n[sip]', "trace.homer_password_file", "no file"),
        ("[sip]", '[trace]\nhomer = "192.0.2.9:99999"\n[sip]', "trace.homer", "no such port"),
        ("port = 5070", 'transports = ["tcp"]', "trunks[0].transport", 'lacks "udp"'),
        ("[sip]", "[trace]\nmessages = -1\n[sip]", "trace.messages", "greater"),
        ("[sip]", '[trace]\nhomer = "host"\n[sip]', "trace.homer", "pattern"),
    ],
)  # fmt: skip
def test_a_mistake_between_keys_is_named(site: Path, old: str, new: str, key: str, text: str) -> None:
    changed(site, old, new)
    found = [finding for finding in problems(site) if finding.key == key and finding.fatal]
    assert any(text in finding.text for finding in found), [str(finding) for finding in problems(site)]


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


def test_the_environment_comes_before_the_file(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFTSWITCH_SIP__PORT", "5090")
    monkeypatch.setenv("SOFTSWITCH_SITE__NAME", "Elsewhere")
    settings = load(site)
    assert (settings.sip.port, settings.sip.address) == (5090, "127.0.0.1")
    assert settings.site.name == "Elsewhere"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SOFTSWITCH_SIP__PORT", "many", "whole number"),
        ("SOFTSWITCH_SIP__PROT", "5060", 'did you mean "port"?'),
        ("SOFTSWITCH_SPI__PORT", "5060", 'did you mean "sip"?'),
    ],
)
def test_a_mistake_in_the_environment_is_named_by_its_variable(
    site: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str
) -> None:
    monkeypatch.setenv(name, value)
    (found,) = problems(site)
    assert (found.line, found.key, text in found.text) == (0, name, True)


def test_secrets_are_never_printed(site: Path) -> None:
    settings = load(site)
    shown = [repr(settings), str(settings), settings.model_dump_json(), repr(carrier_account(settings.trunks[0]))]
    shown.append(repr(phone_account(settings.agents[0])))
    assert not any("7-secret" in text for text in shown)
    changed(site, 'password = "hunter-7-secret"', 'password = ["hunter-7-secret"]')
    assert not any("7-secret" in str(finding) for finding in problems(site))


def test_warnings_are_said_and_do_not_stop_the_switch(site: Path) -> None:
    site.chmod(0o644)
    (site.parent / "never.csv").unlink()
    text = GOOD.replace('policy = "progressive"', "abandoned_lock_s = 3600")
    site.write_text(text + '[web]\naddress = "192.0.2.1"\n')
    found = problems(site)
    assert not any(finding.fatal for finding in found)
    said = " ".join(finding.text for finding in found)
    assert all(part in said for part in ("chmod 640", "nothing will be dialled", "72 hours", "without TLS"))
    assert load(site).web.address == "192.0.2.1"


def test_what_has_no_effect_or_a_price_is_said(site: Path) -> None:
    more = """
[defence]
strangers_per_s = 10

[trace]
homer = "192.0.2.9:9060"
homer_numbers = "whole"
"""
    (site.parent / "authorities.pem").write_text("")
    text = GOOD.replace("port = 5070", 'port = 5070\nclient_authorities = "authorities.pem"')
    site.write_text(text.replace('username = "site"', 'realm = "x"').replace("register = true", "") + more)
    found = problems(site)
    assert not any(finding.fatal for finding in found)
    assert {finding.key for finding in found} == {
        "sip.client_authorities", "trunks[0].realm", "defence.strangers_per_s", "trace.homer_numbers",
    }  # fmt: skip


def test_what_calls_are_asked_and_who_may_transfer_is_said_in_the_file(site: Path) -> None:
    text = GOOD.replace("port = 5070", 'port = 5070\nsession_s = 0\nrings_reliably = true\nmay_transfer = ["carrier"]')
    site.write_text(text.replace("register = true", 'register = true\nrealm = "sip.carrier.example"'))
    settings = load(site)
    assert (settings.sip.session_s, settings.sip.rings_reliably) == (0, True)
    assert settings.sip.may_transfer == ("carrier",)
    assert carrier_account(settings.trunks[0]).realm == "sip.carrier.example"


def test_the_example_for_a_site_can_be_used_once_its_secret_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one-site.toml"
    path.write_text((ROOT / "configs" / "one-site.toml").read_text())
    path.chmod(0o640)
    assert [finding.key for finding in problems(path) if finding.fatal] == ["trunks[0].password_file"]
    (tmp_path / "carrier.secret").write_text("secret")
    assert campaign_of(load(path).campaigns[0], load(path)).caller_id == "+442079460100"


def test_each_line_that_the_example_offers_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "one-site.toml"
    text = (ROOT / "configs" / "one-site.toml").read_text()
    path.write_text(re.sub(r"^# (?=\w+ = |\[)", "", text, flags=re.MULTILINE))
    path.chmod(0o640)
    fatal = [str(finding) for finding in problems(path) if finding.fatal]
    assert len(fatal) > 5
    assert all("there is no file" in finding or "there is no folder" in finding for finding in fatal), fatal


def test_every_field_has_a_description() -> None:
    sections = Section.__subclasses__()
    assert len(sections) > 10
    for section in sections:
        silent = [name for name, field in section.model_fields.items() if not field.description]
        assert not silent, section.__name__


def test_lines_are_found_past_strings_arrays_and_tables_of_tables() -> None:
    lines = TomlLines(
        'a = """\n[not.a.table]\nb = 1\n"""\nc = [\n  "x]", # ]\n  [1],\n]\n'
        '[t."dotted.name"]\nd.e = { f = "[" }\n[[u]]\ng = 1\n[u.v]\nh = 1\n[[u]]\ng = 2\n[[u.w]]\ni = 1\n'
    )
    assert [lines.line_of(key) for key in (
        ("a",), ("c",), ("t", "dotted.name", "d", "e", "f"), ("u", 0, "g"), ("u", 0, "v", "h"), ("u", 1, "g"),
        ("u", 1, "w", 0, "i"), ("u", 1, "nothing"), ("nowhere",),
    )] == [1, 5, 10, 12, 14, 16, 18, 15, 1]  # fmt: skip
    assert not lines.has(("b",))


def test_a_campaign_that_would_show_an_address_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('[[campaigns]]\nname = "survey"\nvisible_fields = ["city", "address1"]\n')
    path.chmod(0o600)
    (finding,) = [found for found in problems(path) if "address1" in str(found)]
    assert finding.fatal
    assert "line 3" in str(finding)
