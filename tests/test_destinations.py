"""Where a site may call by its settings, and its defence's limits."""

from pathlib import Path

import pytest

from softswitch.config import load, problems
from softswitch.config.destinations import domestic
from softswitch.errors import UsageError
from softswitch.ua.defence import Limits


@pytest.mark.parametrize(
    ("country", "number", "is_ordinary"),
    [
        ("GB", "+442079460012", True),
        ("GB", "+447812345678", True),
        ("GB", "+447700900123", True),  # Ofcom's numbers for drama
        ("GB", "+441632960000", True),
        ("GB", "+44207946001", False),
        ("GB", "+4420794600123", False),
        ("GB", "+443001234567", False),
        ("GB", "+448081570000", False),
        ("GB", "+449098790000", False),
        ("GB", "+447012345678", False),
        ("GB", "+447624123456", False),  # Isle of Man
        ("GB", "+447781123456", False),  # Guernsey
        ("GB", "+33123456789", False),
        ("IM", "+447624123456", True),
        ("US", "+12025550123", True),
        ("US", "+14165550123", False),  # Canada
        ("US", "+18765551234", False),  # Jamaica
        ("US", "+19005551234", False),
        ("RU", "+79161234567", True),
        ("RU", "+77011234567", False),  # Kazakhstan
        ("IE", "+35315551234", True),
    ],
)
def test_ordinary_numbers_are_the_countrys_own_landlines_and_mobiles(
    country: str, number: str, is_ordinary: bool
) -> None:
    assert domestic(country)(number) is is_ordinary


def test_a_country_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="no country"):
        domestic("XX")


def write(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text)
    return path


def test_a_site_without_a_word_on_defence_is_defended(tmp_path: Path) -> None:
    settings = load(write(tmp_path, ""))
    assert settings.defence.limits() == Limits()


def test_a_site_names_its_destinations(tmp_path: Path) -> None:
    text = '[safeguards]\ndestinations = ["+44", "+3531"]\ncalls_a_day = 900\ncalls_a_day_to = {"+3531" = 20}\n'
    own = load(write(tmp_path, text)).safeguards
    assert (own.destinations, own.calls_a_day, own.calls_a_day_to) == (("+44", "+3531"), 900, {"+3531": 20})


@pytest.mark.parametrize(
    ("text", "says", "fatal"),
    [
        ('[safeguards]\ndestinations = ["44"]\n', "no beginning of a number", True),
        ('[safeguards]\ndestinations = ["+88210"]\n', "never dialled", True),
        (
            '[safeguards]\ndestinations = ["+3531"]\nrefused_destinations = ["+353"]\n',
            "nothing is dialled there",
            False,
        ),
        ('[safeguards]\ndestinations = ["+44"]\ncalls_a_day_to = {"+353" = 5}\n', "not among the destinations", False),
        ("[defence]\nban_s = 900\nlongest_ban_s = 60\n", "shorter than ban_s", True),
        ('[defence]\ntrusted = ["proxy.example"]\n', "address", True),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path: Path, text: str, says: str, fatal: bool) -> None:
    found = [finding for finding in problems(write(tmp_path, text)) if says in finding.text]
    assert [finding.fatal for finding in found] == [fatal]
