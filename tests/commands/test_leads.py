"""`softswitch leads ...` and `softswitch vault ...` as a person at a terminal meets them."""

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.commands.check import check
from softswitch.commands.leads import leads_app
from softswitch.commands.vault import vault_app
from tests.site_file import COMMON

SITE = f"""\
[vault]
key_file = "keys/vault.key"

{COMMON}
[[campaigns]]
name = "survey"

[[campaigns]]
name = "sale"
purpose = "marketing"
"""
LEADS = "number,first_name,address1\n02079460001,Annabella,1 Canary Wharf\n02079460002,=Bob,2 Canary Wharf\n"
TOLD = ("79460001", "7946 0001", "Annabella", "Canary")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "leads.csv").write_text(LEADS)
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    path.chmod(0o600)
    return path


@pytest.fixture
def with_leads(site: Path) -> Path:
    assert run(vault_app, "keygen", site.parent / "keys" / "vault.key")[0] == 0
    for campaign in ("survey", "sale"):
        assert run(leads_app, "import", site, site.parent / "leads.csv", "--campaign", campaign)[0] == 0
    return site


def run(app, *arguments: object, stdin: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=stdin, env={"COLUMNS": "150"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def refs(site: Path) -> dict[str, str]:
    """lead_ref by campaign, of the first lead of each."""
    out = site.parent / "refs.csv"
    assert run(leads_app, "export", site, out)[0] == 0
    with out.open(newline="") as file:
        return {row["campaign"]: row["lead_ref"] for row in reversed(list(csv.DictReader(file)))}


def audited(site: Path) -> list[dict[str, str]]:
    path = site.parent / "data" / "audit.log"
    return [json.loads(line) for line in path.read_text().splitlines() if '"action"' in line] if path.exists() else []


def test_a_site_whose_key_is_missing_is_told_how_to_make_it_and_imports_nobody(site: Path, capsys) -> None:
    assert check(site) == 1
    said = capsys.readouterr().out
    assert "vault.key_file" in said and "softswitch vault keygen" in said
    status, output = run(leads_app, "import", site, site.parent / "leads.csv", "--campaign", "survey")
    assert status == 2 and "is missing" in output and "softswitch vault keygen" in " ".join(output.split())
    assert run(vault_app, "status", site)[0] == 2


def test_check_says_where_the_key_is_and_what_a_key_beside_the_store_is_worth(with_leads: Path, capsys) -> None:
    check(with_leads)
    assert "its key is" in (said := capsys.readouterr().out) and "keys/vault.key" in said and "thief" not in said
    with_leads.write_text(SITE.replace('key_file = "keys/vault.key"', ""))
    check(with_leads)
    assert "thief of this disk has numbers and key" in capsys.readouterr().out


def test_the_key_may_come_as_a_systemd_credential(with_leads: Path, monkeypatch) -> None:
    with_leads.write_text(SITE.replace('key_file = "keys/vault.key"', ""))
    assert run(vault_app, "status", with_leads)[0] == 2  # vault.key beside the store there is none
    credential = with_leads.parent / "credentials" / "softswitch-vault-key"
    credential.parent.mkdir()
    credential.write_bytes((with_leads.parent / "keys" / "vault.key").read_bytes())
    credential.chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credential.parent))
    status, output = run(vault_app, "status", with_leads)
    assert status == 0 and "4 sealed, 0 erased" in output


def test_an_export_tells_nothing_of_anybody_unless_a_reason_is_noted(with_leads: Path) -> None:
    status, output = run(leads_app, "export", with_leads, "-")
    assert status == 0 and output.count("survey") == 2 and not any(mark in output for mark in TOLD)
    assert run(leads_app, "export", with_leads, "-", "--persons")[0] == 2
    assert audited(with_leads) == []
    out = with_leads.parent / "out.csv"
    told = ("--persons", "--campaign", "survey", "--reason", "asked for by the client")
    assert run(leads_app, "export", with_leads, out, *told)[0] == 0
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["number"], row["first_name"]) for row in rows] == [
        ("'+442079460001", "Annabella"),
        ("'+442079460002", "'=Bob"),
    ]
    (record,) = audited(with_leads)
    assert (record["action"], record["subject"]) == ("export leads", "survey")
    # Without the key what became of leads can be told still.
    (with_leads.parent / "keys" / "vault.key").unlink()
    assert run(leads_app, "export", with_leads, out)[0] == 0


def test_a_lead_is_shown_after_its_reason_is_in_the_audit_log(with_leads: Path) -> None:
    lead_ref = refs(with_leads)["survey"]
    assert run(leads_app, "show", with_leads, "--lead-ref", lead_ref, "--reason", " ")[0] == 2
    assert audited(with_leads) == []
    status, output = run(leads_app, "show", with_leads, "--lead-ref", lead_ref, "--reason", "complaint 7")
    assert status == 0 and "+442079460001" in output and "Annabella" in output
    (record,) = audited(with_leads)
    assert (record["action"], record["subject"], record["reason"]) == ("show lead", lead_ref, "complaint 7")


@pytest.mark.parametrize("by_number", [True, False])
def test_one_who_asks_to_be_erased_is_gone_from_every_campaign_and_stays_away(
    with_leads: Path, by_number: bool
) -> None:
    found = refs(with_leads)
    how = () if by_number else ("--lead-ref", found["survey"])
    status, output = run(
        leads_app,
        "erase",
        with_leads,
        "--reason",
        "asked by letter",
        *how,
        stdin="020 7946 0001\n" if by_number else "",
    )
    assert status == 0 and "1 persons erased, 2 leads" in output
    assert not any(mark in output for mark in TOLD)
    for lead_ref in found.values():
        assert run(leads_app, "show", with_leads, "--lead-ref", lead_ref, "--reason", "who was it")[0] == 2
    status, output = run(leads_app, "import", with_leads, with_leads.parent / "leads.csv", "--campaign", "survey")
    assert re.search(r"suppressed +│ +1 ", output) and re.search(r"leads added +│ +0 ", output)
    assert "2 sealed, 2 erased" in run(vault_app, "status", with_leads)[1]
    data = b"".join(path.read_bytes() for path in (with_leads.parent / "data").rglob("*") if path.is_file())
    assert not any(mark.encode() in data for mark in TOLD)
    assert any(record["action"] == "erase lead" for record in audited(with_leads))


def test_numbers_are_suppressed_from_standard_input_and_a_wrong_one_suppresses_nobody(with_leads: Path) -> None:
    status, output = run(leads_app, "suppress", with_leads, stdin="020 7946 0001\nhello\n")
    assert status == 2 and "line 2" in output
    status, output = run(leads_app, "suppress", with_leads, "--campaign", "survey", stdin="020 7946 0001\n")
    assert status == 0 and "1 numbers, 1 of them" in output
    tps = with_leads.parent / "tps.txt"
    tps.write_text("".join(f"0207946{n:04d}\n" for n in range(2500)))
    status, output = run(leads_app, "suppress", with_leads, "--tps", tps)
    assert status == 0 and "2500 numbers, 2500 of them" in output
    (with_leads.parent / "new.csv").write_text("number\n02079460777\n")
    for campaign, suppressed in (("survey", 0), ("sale", 1)):
        _, output = run(leads_app, "dry-run", with_leads, with_leads.parent / "new.csv", "--campaign", campaign)
        assert re.search(rf"suppressed +│ +{suppressed} ", output)


@pytest.mark.parametrize("width", ["60", "200"])
def test_lists_are_shown_and_their_priority_and_share_set(with_leads: Path, monkeypatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)  # however narrow, the reference is whole: it is what --list wants
    status, output = run(leads_app, "lists", with_leads, "--campaign", "survey")
    (list_ref,) = re.findall(r"\b[0-9a-f]{16}\b", output)
    status, output = run(
        leads_app, "lists", with_leads, "--list", list_ref, "--priority", "7", "--share", "3", "--resting"
    )
    assert status == 0 and list_ref in output
    assert width == "60" or re.search(rf"{list_ref}.* 7 .* 3 .* no ", output)
    assert run(leads_app, "lists", with_leads, "--priority", "7")[0] == 2
    assert run(leads_app, "lists", with_leads, "--list", "none", "--priority", "7")[0] == 2


@pytest.mark.parametrize("every_lead", [(), ("--every-lead",)])
def test_a_rotated_key_opens_the_store_and_the_rotation_is_audited(with_leads: Path, every_lead) -> None:
    path = with_leads.parent / "keys" / "vault.key"
    old = path.read_bytes()
    status, output = run(vault_app, "rotate", with_leads, *every_lead)
    assert status == 0 and path.read_bytes() != old and "Keep a copy" in output
    assert "rotated" in run(vault_app, "status", with_leads)[1]
    assert "Annabella" in run(leads_app, "show", with_leads, "--lead-ref", refs(with_leads)["sale"], "--reason", "x")[1]
    assert audited(with_leads)[0]["action"] == "rotate vault key"
    path.write_bytes(old)
    status, output = run(vault_app, "status", with_leads)
    assert status == 2 and "another store's" in output
