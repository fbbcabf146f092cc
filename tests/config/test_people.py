"""What a site says of its people becomes what the rooms work with."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from softswitch.config import campaign_of, load, problems
from softswitch.config.people import shift_of
from softswitch.safeguards.admission import admit
from tests.auditor import AUDITOR

SITE = f"""\
[recordings]
auditor_public_key = "{AUDITOR.public.hex()}"
[people]
agents_networks = ["10.1.0.0/24", "2001:db8::/64"]
[[agents]]
id = "1001"
pin = "4829"
cleared_until = 2027-06-30
roster = ["mon-fri 09:00-17:00"]
excluded_categories = ["victims"]
[[agents]]
id = "1002"
[[campaigns]]
name = "crime"
categories = ["victims"]
[[campaigns]]
name = "transport"
"""


def site(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = SITE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "days", "hours"),
    [
        ("mon-fri 09:00-17:00", {0, 1, 2, 3, 4}, (time(9), time(17))),
        ("Sat 22:00-06:00", {5}, (time(22), time(6))),
        ("sat-mon 00:00-12:30", {5, 6, 0}, (time(0), time(12, 30))),
    ],
)
def test_a_shift_is_days_and_hours(text: str, days: set[int], hours: tuple[time, time]) -> None:
    shift = shift_of(text)
    assert (shift.weekdays, shift.begins, shift.ends) == (frozenset(days), *hours)


@pytest.mark.parametrize(
    "text", ["", "mon", "09:00-17:00", "mon-xyz 09:00-17:00", "mon 25:00-26:00", "mon 09:00-09:00"]
)
def test_what_is_no_shift_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"days and hours|begins when"):
        shift_of(text)


def test_an_agents_limits_are_read(tmp_path: Path) -> None:
    settings = load(site(tmp_path))
    clearance = settings.agents[0].clearance()
    assert clearance.cleared_until == date(2027, 6, 30)
    noon = datetime(2027, 6, 14, 11, 0, tzinfo=UTC).astimezone(ZoneInfo("Europe/London"))
    own = {campaign.name: campaign.categories for campaign in settings.campaigns}
    assert admit(clearance, noon, own).campaigns == ("transport",)


def test_a_campaign_is_never_given_to_agents_whom_its_category_excludes(tmp_path: Path) -> None:
    settings = load(site(tmp_path))
    crime, transport = (campaign_of(campaign, settings) for campaign in settings.campaigns)
    assert crime.agents == ("1002",)
    assert transport.agents == ()


def test_where_everybody_is_excluded_nobody_works_for_it_rather_than_everybody(tmp_path: Path) -> None:
    path = site(tmp_path, ('id = "1002"\n', 'id = "1002"\nexcluded_categories = ["victims"]\n'))
    settings = load(path)
    agents = campaign_of(settings.campaigns[0], settings).agents
    assert agents
    assert not set(agents) & {"1001", "1002"}
    assert any("nobody works for it" in str(finding) for finding in problems(path))


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('pin = "4829"', 'pin = "48a9"', "digits"),
        ('pin = "4829"', 'pin = "482"', "digits"),
        ('"10.1.0.0/24"', '"10.1.0.1/24"', "must be a network"),
        ('["mon-fri 09:00-17:00"]', '["always"]', "days and hours"),
        ("[people]\n", '[web]\ncertificate = "none.pem"\n[people]\n', "belong together"),
        ("[people]\n", '[audit]\nsigning_key = "none.key"\n[people]\n', "there is no file"),
    ],
)
def test_mistakes_are_told_plainly(tmp_path: Path, old: str, new: str, text: str) -> None:
    findings = [finding for finding in problems(site(tmp_path, (old, new))) if finding.fatal]
    assert any(text in str(finding) for finding in findings), findings
