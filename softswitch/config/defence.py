"""What a site's TOML file may say of its defence against strangers on the SIP port: [defence]."""

from typing import Annotated

from pydantic import Field

from softswitch.config.fields import IpAddress, Section
from softswitch.ua.defence import Limits


class DefenceSettings(Section):
    """[defence]: what whoever is neither a trunk nor a phone that has registered may send to the SIP port."""

    datagrams_per_s: Annotated[float, Field(ge=1, le=100_000)] = 50.0
    """Messages a second from one address (IPv6: one /64); ten times as many where one of our phones has registered."""
    burst: Annotated[float, Field(ge=1, le=1_000_000)] = 500.0
    """Messages that one address may send at once: a site whose phones all come back after a power cut."""
    strangers_per_s: Annotated[float, Field(ge=1, le=1_000_000)] = 500.0
    """Messages a second from all strangers together. In a flood trunks and registered phones are served all the same,
    and phones that register for the first time wait."""
    strangers_burst: Annotated[float, Field(ge=1, le=1_000_000)] = 1000.0
    """The same, at once."""
    ban_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """How long an address is not listened to after a flood, a scan, guessed passwords or malformed messages; each time
    twice as long."""
    longest_ban_s: Annotated[float, Field(ge=1, le=604_800)] = 86_400.0
    """The longest ban; after as long without trouble an address begins anew."""
    silent_to_strangers: bool = False
    """Answer nobody who is neither a trunk, nor names one of our phones, nor belongs to a call that is up: a scan finds
    nothing. Whoever tries names from very many addresses can then tell which exist, as those are answered: give phones
    names that are hard to guess, not 100, 101, 102."""
    largest_bytes: Annotated[int, Field(ge=2000, le=65_535)] = 16_384
    """Longest message taken from a stranger."""
    most_sources: Annotated[int, Field(ge=100, le=10_000_000)] = 20_000
    """Addresses remembered, and as many bans; about 1 kB of memory for each."""
    trusted: tuple[IpAddress, ...] = ()
    """Addresses beside the trunks' own that are never held up, such as a proxy in front of us."""

    def limits(self) -> Limits:
        """As the user agent pool takes them."""
        return Limits(
            per_source_s=self.datagrams_per_s,
            per_source_burst=self.burst,
            strangers_s=self.strangers_per_s,
            strangers_burst=self.strangers_burst,
            ban_s=self.ban_s,
            longest_ban_s=self.longest_ban_s,
            silent_to_strangers=self.silent_to_strangers,
            largest_bytes=self.largest_bytes,
            most_sources=self.most_sources,
        )
