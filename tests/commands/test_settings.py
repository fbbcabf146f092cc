"""`softswitch settings`: every setting of a site's file is told, as the models have it that check the file."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from softswitch.__main__ import whole_app
from softswitch.config import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def settings(*arguments: str) -> Result:
    return CliRunner().invoke(whole_app(), ["settings", *arguments])


def test_the_page_in_docs_is_what_the_command_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings().stdout, "softswitch settings > docs/settings.md"


def test_every_setting_is_told_with_what_it_does() -> None:
    models = Settings.model_json_schema()["$defs"].values()
    known = sorted(name for model in models for name in model.get("properties", {}))
    told = re.findall(r"^\| `(\w+)` \| .+ \| .* \| (.*) \|$", settings().stdout, re.MULTILINE)
    assert sorted(name for name, _ in told) == known
    assert [name for name, about in told if not about] == []


@pytest.mark.parametrize(
    ("table", "heading", "row"),
    [
        ("inbound", "[[inbound]]", "| `service_share` | number, 0 to under 1 | `0` |"),
        ("campaigns", "[[campaigns]]", "| `two_second_rule_s` | number, over 0 to 2 | `2` |"),
        ("campaigns.recycle", "[campaigns.recycle.OUTCOME]", "| `attempts` | whole number, 0 to 100 | must be there |"),
        ("campaigns", "[[campaigns]]", "| `recycle` | table `[campaigns.recycle.OUTCOME]` |"),
        ("[sip]", "[sip]", '| `transports` | list: `udp`, `tcp`, `tls`, `ws`, `wss` | `["udp", "tcp"]` |'),
        ("trunks", "[[trunks]]", "| `port` | whole number, 1 to 65,535 |  |"),
    ],
)
def test_what_may_stand_there_is_in_words(table: str, heading: str, row: str) -> None:
    told = settings(table).stdout
    assert told.startswith(f"## `{heading}`\n")
    assert row in told


def test_a_table_that_is_none_is_named() -> None:
    assert "no table 'sips'" in str(settings("sips").exception)
