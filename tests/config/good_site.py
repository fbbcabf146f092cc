"""A configuration without a mistake, and one line of it changed."""

from pathlib import Path

GOOD = """\
[site]
name = "Site"
time_zone = "Europe/London"

[sip]
address = "127.0.0.1"
port = 5070

[recordings]
auditor_public_key = "auditor.pub"

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


def changed(site: Path, old: str, new: str) -> int:
    """Replace a line of the good file; the line's number."""
    assert GOOD.count(old) == 1, old
    site.write_text(GOOD.replace(old, new))
    return GOOD[: GOOD.index(old)].count("\n") + 1
