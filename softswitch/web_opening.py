"""The web of a site, made from its configuration: who may log in and how, its certificate, its audit log."""

import ipaddress
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

import structlog

from softswitch.config import Settings, scripts_of
from softswitch.store.training import TrainingBook
from softswitch.testing.clips import VOICES
from softswitch.web.accounts import People
from softswitch.web.administration import Administration
from softswitch.web.agent_pins import WithPins
from softswitch.web.app import create_app
from softswitch.web.authentication import Factor
from softswitch.web.certificate import fingerprint, self_made
from softswitch.web.control import SwitchControl
from softswitch.web.guard import FindToken
from softswitch.web.journal import Journal
from softswitch.web.passwords import Passwords
from softswitch.web.room import WebSettings
from softswitch.web.sealing import Sealer
from softswitch.web.server import WebServer
from softswitch.web.training import Training

log = structlog.get_logger(__name__)


def make_web(
    settings: Settings,
    control: SwitchControl,
    people: People,
    journal: Journal,
    admit: Callable[[str], str],
    find_token: FindToken | None = None,
    training: TrainingBook | None = None,
    administration: Administration | None = None,
) -> WebServer:
    """The server, not started yet. Raises UsageError where keys or certificate cannot be had.

    training: where results of practice calls are kept.
    """
    web, told, folder = settings.web, settings.people, settings.site.data_directory
    passwords = Passwords()
    pins = {agent.id: agent.pin.get_secret_value() for agent in settings.agents if agent.pin is not None}
    app = create_app(
        control,
        WithPins(people, pins, passwords),
        WebSettings(
            time_zone=ZoneInfo(settings.site.time_zone),
            site=settings.site.name,
            factor=Factor(told.second_factor),
            several_roles=told.several_roles,
            agents_networks=told.agents_networks,
            listening_needs_reason=settings.supervision.reason,
            secure_cookie=web.tls == "never" and not ipaddress.ip_address(web.address).is_loopback,
        ),
        passwords=passwords,
        journal=journal,
        sealer=Sealer.find(folder),
        admit=admit,
        find_token=find_token,
        training=Training(scripts_of(settings), training, clock=time.monotonic, voices=VOICES),
        administration=administration,
    )
    certificate, key = web.certificate, web.certificate_key
    if certificate is None and web.tls == "auto" and not ipaddress.ip_address(web.address).is_loopback:
        certificate, key = self_made(folder, web.address)
        log.info("the web has a self-made certificate", sha256=fingerprint(certificate))
    return WebServer(app, address=web.address, port=web.port, certificate=certificate, key=key)
