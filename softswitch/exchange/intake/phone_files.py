"""Provisioning files of a site's phones: for the administrator, or once for the phone itself.

A phone that fetches its file names a random token of 256 bits in the path; the token is good for one file, once, for a
limited time, from the agents' network alone and over TLS (or on this machine). Its hash alone is kept, in memory.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from softswitch.config import Settings, read_secret
from softswitch.config.phones import AgentSettings
from softswitch.errors import UsageError
from softswitch.exchange.intake.site_file import has_phone_file
from softswitch.safeguards.site_setup import PhoneOffer
from softswitch.sdp.crypto import SrtpUse
from softswitch.ua.provisioning import PhoneProfile, ProvisioningFile, Srtp, file_name, provision

OFFERED_S = 60 * 60.0
MOST_OFFERS = 500
PATH = "/provisioning/"


@dataclass(frozen=True, slots=True)
class _Offer:
    agent: str
    name: str
    until: float


class PhoneFiles:
    """Makes the files, and keeps the tokens by which phones fetch them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._offers: dict[bytes, _Offer] = {}

    def file(self, settings: Settings, agent_id: str) -> ProvisioningFile:
        """Raises KeyError for nobody's id, UsageError where the agent has no such phone. Blocking: reads a password."""
        agent = _agent(settings, agent_id)
        sip = settings.sip
        secure = sip.phone_srtp is not SrtpUse.OFF and "tls" in sip.transports
        transport = "tls" if secure else next((t for t in ("udp", "tcp", "tls") if t in sip.transports), "")
        if not transport:
            raise UsageError("desk phones speak UDP, TCP or TLS: [sip] transports has none of them")
        assert agent.phone_model is not None
        return provision(
            PhoneProfile(
                model=agent.phone_model,
                mac=agent.phone_mac,
                label=agent.id,
                username=agent.phone_username,
                password=read_secret(agent.phone_password, agent.phone_password_file),
                host=sip.address,
                port=sip.tls_port if transport == "tls" else sip.port,
                transport=transport,
                srtp=Srtp(sip.phone_srtp.value),
            )
        )

    def offer(self, settings: Settings, agent_id: str) -> PhoneOffer:
        """Let this agent's phone fetch its file once; an offer that it had before is void."""
        agent = _agent(settings, agent_id)
        if not settings.people.agents_networks:
            raise UsageError(
                "phones fetch files from the agents' network alone: name it under [people] agents_networks"
            )
        assert agent.phone_model is not None
        now = self._clock()
        self._offers = {key: each for key, each in self._offers.items() if each.until > now and each.agent != agent_id}
        if len(self._offers) >= MOST_OFFERS:
            raise UsageError("too many phones are to fetch files at once")
        token, name = secrets.token_urlsafe(32), file_name(agent.phone_model, agent.phone_mac)
        self._offers[_digest(token)] = _Offer(agent_id, name, now + OFFERED_S)
        return PhoneOffer(f"{PATH}{token}/{name}", int(OFFERED_S // 60))

    def take(self, token: str, name: str) -> str:
        """Whose file it is; the offer is used up. Raises KeyError where there is none. Phones ask for other names too
        (common files, firmware): those use nothing up."""
        key = _digest(token)
        offer = self._offers[key]
        if offer.until <= self._clock():
            del self._offers[key]
            raise KeyError(name)
        if name.lower() != offer.name:
            raise KeyError(name)
        del self._offers[key]
        return offer.agent


def _agent(settings: Settings, agent_id: str) -> AgentSettings:
    agent = next((each for each in settings.agents if each.id == agent_id), None)
    if agent is None:
        raise KeyError(agent_id)
    if not has_phone_file(agent):
        raise UsageError(f"agent {agent_id} has no phone with a user name, a password, a make and a MAC address")
    return agent


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
