"""Configurations: what may be said, and what it becomes."""

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
from softswitch.config.phones import Connect
from softswitch.config.settings import CampaignSettings
from softswitch.config.toml_lines import TomlLines
from softswitch.dialler.campaign import AmdMode, AmdPoint, Campaign, Policy, RecycleRule
from softswitch.dialler.rules import DEFAULT_MARGINS
from softswitch.exchange.calls.queues import Queue
from softswitch.exchange.telephony.srtp_rules import srtp_rules
from softswitch.sdp.crypto import SrtpUse
from softswitch.ua.routes import Route
from tests.config.good_site import GOOD, changed

ROOT = Path(__file__).resolve().parents[2]


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


def test_what_the_false_positive_prior_is_said_to_be_is_what_is_reckoned_with() -> None:
    told = CampaignSettings.model_fields["amd_false_positive_prior"].description or ""
    for point in AmdPoint:
        prior = DEFAULT_MARGINS.false_positive_prior(Campaign("survey", amd_point=point))
        assert f"{prior:g} at {point}" in " ".join(told.split())


def test_a_supervisor_has_a_phone_as_an_agent_has(site: Path) -> None:
    site.write_text(GOOD + '[[supervisors]]\nid = "sue"\nphone_username = "p7"\nphone_password_file = "p1002.secret"\n')
    (supervisor,) = load(site).supervisors
    account = phone_account(supervisor)
    assert (account.agent, account.username, account.password) == ("sue", "p7", "from a file")
    assert account.keepalive_s == 30.0


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
"""
    (site.parent / "authorities.pem").write_text("")
    text = GOOD.replace("port = 5070", 'port = 5070\nclient_authorities = "authorities.pem"')
    site.write_text(text.replace('username = "site"', 'realm = "x"').replace("register = true", "") + more)
    found = problems(site)
    assert not any(finding.fatal for finding in found)
    assert {finding.key for finding in found} == {
        "sip.client_authorities", "trunks[0].realm", "defence.strangers_per_s",
    }  # fmt: skip


def test_srtp_is_off_unless_the_file_says_so_and_keys_in_the_clear_are_warned_of(site: Path) -> None:
    settings = load(site)
    assert (settings.sip.phone_srtp, settings.trunks[0].srtp) == (SrtpUse.OFF, SrtpUse.OFF)
    text = GOOD.replace("port = 5070", 'port = 5070\nphone_srtp = "required"')
    site.write_text(text.replace("register = true", 'register = true\ntransport = "udp"\nsrtp = "optional"'))
    found = {finding.key: finding for finding in problems(site)}
    assert set(found) == {"sip.phone_srtp", "trunks[0].srtp"}
    assert all("unprotected" in finding.text and not finding.fatal for finding in found.values())
    settings = load(site)
    assert (settings.sip.phone_srtp, settings.trunks[0].srtp) == (SrtpUse.REQUIRED, SrtpUse.OPTIONAL)
    rules = srtp_rules(settings)
    assert (rules.phones, dict(rules.trunks), rules.trunks_by_tls) == (
        SrtpUse.REQUIRED, {"carrier": SrtpUse.OPTIONAL}, frozenset(),
    )  # fmt: skip
    site.write_text(GOOD.replace("register = true", 'register = true\ntransport = "tls"\nsrtp = "required"'))
    assert problems(site) == []
    assert srtp_rules(load(site)).trunks_by_tls == {"carrier"}


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


@pytest.mark.parametrize("homer", ["127.0.0.1:9060", "[::1]:9060"])
def test_whole_numbers_may_be_told_to_a_capture_server_on_this_machine(site: Path, homer: str) -> None:
    site.write_text(f'{GOOD}[trace]\nhomer = "{homer}"\nhomer_numbers = "whole"\n')
    assert problems(site) == []


def test_an_inbound_number_is_served_by_the_agents_who_have_learnt_all_that_it_asks_for(site: Path) -> None:
    site.write_text(
        GOOD.replace('id = "1001"', 'id = "1001"\nskills = ["claims", "french"]')
        + 'skills = ["french"]\nopens = 09:00:00\ncloses = 17:00:00\noverflow_number = "+442079460999"\n'
    )
    settings = load(site)
    queue = Queue.of(settings.inbound[0], settings)
    assert queue.agents == ("1001",)
    assert (queue.overflow_trunk, queue.overflow_after_s) == ("", queue.patience_s)
    assert queue.hours is not None and (queue.hours.opens, queue.hours.closes) == (time(9), time(17))
    assert Queue.of(settings.inbound[0].model_copy(update={"skills": ()}), settings).agents == ("1001",)
