"""By whose rules a campaign dials and a day is judged; the rules themselves are `softswitch.dialler.rules`."""

from enum import StrEnum


class RuleChoice(StrEnum):
    """Which regulator's rules."""

    UK = "uk"
    """Ofcom's."""
    US = "us"
    """The FTC's and the FCC's."""
    OWN = "own"
    """The campaign's settings, where they are stricter than the UK's."""
