"""What is wrong between the keys of a configuration: names that nobody has, ports taken twice, files that are missing.

Each check yields (key, text, fatal); a finding that is not fatal is a warning: the switch starts, and something that
the site wants will be refused until it is put right.
"""

import ipaddress
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from softswitch.config.complaints import Complaint, suggestion
from softswitch.config.inbound_checks import check_agents, check_inbound, check_prompt
from softswitch.config.phones import Connect, PhoneSettings
from softswitch.config.scripts import examine_script
from softswitch.config.settings import CampaignSettings, Settings
from softswitch.config.sip_checks import SIP_CHECKS
from softswitch.config.toml_lines import Key
from softswitch.dialler.campaign import AmdMode, Purpose
from softswitch.dialler.filters import LeadFilter
from softswitch.dialler.rules import MESSAGE_NOT_ALLOWED, NO_MARKETING_MESSAGE
from softswitch.errors import UsageError
from softswitch.key_words.messages import fault_of
from softswitch.safeguards.visibility import is_withheld
from softswitch.store.vault_key import read_key

OFCOM_ABANDONED_LOCK_S = 72 * 3600.0
OFCOM_MACHINE_LOCK_S = 24 * 3600.0
NO_AUDITOR = (
    "is missing: every call is recorded, sealed to the auditor's key, and without it no call can be made; "
    "the auditor makes a pair with `softswitch recordings keygen` and gives the site the public one"
)
PORTS_PER_LEG = 2
SHORTEST_PIN = 4
LEGS_PER_CALL = 2  # trunk and agent
_SIP_FILES = ("certificate", "certificate_key", "authorities", "client_authorities")


def lacks(settings: Settings) -> Iterator[tuple[Key, str]]:
    """What `softswitch run` cannot do without, though lists and records can be worked with."""
    if not settings.recordings.auditor_public_key:
        yield ("recordings", "auditor_public_key"), NO_AUDITOR
    if settings.vault.key_file is not None:
        try:
            read_key(settings.vault.key_file)
        except UsageError as error:
            yield ("vault", "key_file"), str(error)


def complaints(settings: Settings) -> Iterator[Complaint]:
    """Every complaint about settings whose single values are valid; positions are those of the settings' own lists."""
    for check in _CHECKS:
        yield from check(settings)


def _twice(settings: Settings) -> Iterator[Complaint]:
    for section, key, names in (
        ("trunks", "name", [t.name for t in settings.trunks]),
        ("agents", "id", [a.id for a in settings.agents]),
        ("agents", "phone_username", [a.phone_username for a in settings.agents]),
        ("agents", "phone_mac", [a.phone_mac for a in settings.agents]),
        ("supervisors", "id", [s.id for s in settings.supervisors]),
        ("supervisors", "phone_username", [s.phone_username for s in settings.supervisors]),
        ("campaigns", "name", [c.name for c in settings.campaigns]),
        ("inbound", "did", [i.did for i in settings.inbound]),
    ):
        for position, name in enumerate(names):
            if name and name in names[:position]:
                yield (section, position, key), f'"{name}" is used twice under {section}', True


def _supervisors(settings: Settings) -> Iterator[Complaint]:
    """Nobody is both: an agent's web account sees nobody else, and phones are told apart by these names."""
    ids, usernames = {a.id for a in settings.agents}, {a.phone_username for a in settings.agents}
    for n, supervisor in enumerate(settings.supervisors):
        if supervisor.id in ids:
            yield ("supervisors", n, "id"), f'"{supervisor.id}" is an agent; supervisors have names of their own', True
        if supervisor.phone_username and supervisor.phone_username in usernames:
            text = f'"{supervisor.phone_username}" is the phone of an agent'
            yield ("supervisors", n, "phone_username"), text, True


def _names(settings: Settings) -> Iterator[Complaint]:
    trunks = {t.name for t in settings.trunks}
    agents = {a.id for a in settings.agents}
    for position, campaign in enumerate(settings.campaigns):
        at: Key = ("campaigns", position)
        if campaign.trunk and campaign.trunk not in trunks:
            yield (*at, "trunk"), f'there is no trunk "{campaign.trunk}"{suggestion(campaign.trunk, trunks)}', True
        yield from check_agents((*at, "agents"), campaign.agents, agents)
        yield from check_prompt(settings, (*at, "information_message"), campaign.information_message)
        yield from check_prompt(settings, (*at, "recording_notice"), campaign.recording_notice)
        yield from _voicemail(settings, at, campaign)
        for field in campaign.visible_fields:
            if is_withheld(field):
                text = f'"{field}" is an address or a way to reach somebody, which no agent sees'
                yield (*at, "visible_fields"), text, True
    for position, inbound in enumerate(settings.inbound):
        at = ("inbound", position)
        yield from check_agents((*at, "agents"), inbound.agents, agents)
        yield from check_inbound(settings, at, inbound, trunks)


def _voicemail(settings: Settings, at: Key, campaign: CampaignSettings) -> Iterator[Complaint]:
    key = (*at, "voicemail_message")
    yield from check_prompt(settings, key, campaign.voicemail_message)
    if not campaign.voicemail_message:
        return
    if campaign.purpose is Purpose.MARKETING:
        yield key, NO_MARKETING_MESSAGE, True
    elif not campaign.voicemail_allowed:
        yield key, MESSAGE_NOT_ALLOWED, True
    elif campaign.amd is AmdMode.OFF:
        yield key, "is never left: amd is off", False


def _excluded(settings: Settings) -> Iterator[Complaint]:
    for n, campaign in enumerate(settings.campaigns):
        own = [a for a in settings.agents if not campaign.agents or a.id in campaign.agents]
        if own and all(not set(campaign.categories).isdisjoint(a.excluded_categories) for a in own):
            text = "every agent is excluded from one of them: nobody works for it"
            yield ("campaigns", n, "categories"), text, False


def _scripts(settings: Settings) -> Iterator[Complaint]:
    for n, campaign in enumerate(settings.campaigns):
        if campaign.script is None or not campaign.script.is_file():
            continue
        for fault in examine_script(campaign.script, campaign.visible_fields)[1]:
            yield ("campaigns", n, "script"), f"{campaign.script.name} {fault}", True


def _files(settings: Settings) -> Iterator[Complaint]:
    wanted: list[tuple[Key, Path | None]] = [(("prompts", name), path) for name, path in settings.prompts.items()]
    wanted += [(("sip", name), getattr(settings.sip, name)) for name in _SIP_FILES]
    wanted += [(("audit", "signing_key"), settings.audit.signing_key)]
    wanted += [(("web", name), getattr(settings.web, name)) for name in ("certificate", "certificate_key")]
    for name in ("leads", "script"):
        wanted += [(("campaigns", n, name), getattr(c, name)) for n, c in enumerate(settings.campaigns)]
    wanted += [(("trunks", n, "password_file"), t.password_file) for n, t in enumerate(settings.trunks)]
    wanted += [((*at, "phone_password_file"), phone.phone_password_file) for at, phone in _phones(settings)]
    for key, path in wanted:
        if path is not None and not path.is_file():
            yield key, f"there is no file {path}", True


def _secrets(settings: Settings) -> Iterator[Complaint]:
    for n, trunk in enumerate(settings.trunks):
        if trunk.password_file and trunk.password.get_secret_value():
            yield ("trunks", n, "password"), "password and password_file are both given; keep one", True
        if trunk.registers and not trunk.username:
            yield ("trunks", n, "register"), "registering needs a username", True
    for at, phone in _phones(settings):
        inline = bool(phone.phone_password.get_secret_value())
        if inline and phone.phone_password_file:
            yield (*at, "phone_password"), "phone_password and phone_password_file are both given; keep one", True
        if not phone.phone_username:
            if inline or phone.phone_password_file:
                yield at, "phone_username is missing; without a phone there is no phone_password either", True
        elif not inline and not phone.phone_password_file:
            yield at, "phone_password is missing; a phone without one could be anybody's", True
    for n, agent in enumerate(settings.agents):
        pin = "" if agent.pin is None else agent.pin.get_secret_value()
        if agent.pin is not None and (len(pin) < SHORTEST_PIN or not pin.isdecimal()):
            yield ("agents", n, "pin"), f"must be {SHORTEST_PIN} digits or more", True
        if agent.connect is Connect.RING_PER_CALL and not agent.phone_username:
            yield ("agents", n, "connect"), "there is no phone to ring: give phone_username", True


def _phones(settings: Settings) -> Iterator[tuple[Key, PhoneSettings]]:
    """Every phone that registers here, and where it is written."""
    for n, agent in enumerate(settings.agents):
        yield ("agents", n), agent
    for n, supervisor in enumerate(settings.supervisors):
        yield ("supervisors", n), supervisor


def _ports(settings: Settings) -> Iterator[Complaint]:
    sip, media = settings.sip, settings.media
    if media.first_port % 2:
        yield ("media", "first_port"), f"must be even, {media.first_port} is odd: RTP takes even ports", True
    if not media.last_port % 2:
        yield ("media", "last_port"), f"must be odd, {media.last_port} is even: RTCP takes the odd ports", True
    if media.last_port < media.first_port:
        yield ("media", "last_port"), f"{media.last_port} comes before first_port {media.first_port}", True
        return
    if sip.address == media.address and media.first_port <= sip.port <= media.last_port:
        text = f"{sip.port} lies among the media ports {media.first_port}-{media.last_port}; both are UDP"
        yield ("sip", "port"), text, True
    channels = sum(t.channels for t in settings.trunks)
    ports = media.last_port - media.first_port + 1
    people = len(settings.agents) + len(settings.supervisors)
    wanted = PORTS_PER_LEG * (channels * LEGS_PER_CALL if not settings.agents else channels + people)
    if ports < wanted:
        text = f"{ports} media ports are fewer than the {wanted} that all trunk channels and phones together need"
        yield ("media", "last_port"), text, False


def _dialling(settings: Settings) -> Iterator[Complaint]:
    for n, campaign in enumerate(settings.campaigns):
        at: Key = ("campaigns", n)
        on_trunks = {t.caller_id for t in settings.trunks if campaign.trunk in ("", t.name)}
        certain = len(on_trunks) == 1 and "" not in on_trunks
        trunk_is_known = bool(on_trunks) or not settings.trunks  # if not, that has been said
        if campaign.caller_id and campaign.caller_ids:
            yield (*at, "caller_id"), "caller_id and caller_ids are both given; keep one", True
        for position, number in enumerate(campaign.caller_ids):
            if number in campaign.caller_ids[:position]:
                yield (
                    (*at, "caller_ids", position),
                    "is there twice: calls are shared evenly",
                    True,
                )
        if not campaign.caller_id and not campaign.caller_ids and not certain and trunk_is_known:
            text = "no caller_id here or on its trunk: the campaign will not start (Ofcom: a number to ring back)"
            yield (*at, "caller_id"), text, campaign.start
        if not campaign.information_message:
            text = "no information_message: the campaign will not start (Ofcom: abandoned calls hear who called)"
            yield (*at, "information_message"), text, campaign.start
        if not settings.trunks:
            yield at, "there is no trunk to dial on", campaign.start
        if campaign.abandoned_lock_s < OFCOM_ABANDONED_LOCK_S:
            yield (*at, "abandoned_lock_s"), "shorter than the 72 hours of Ofcom's policy", False
        if campaign.machine_lock_s < OFCOM_MACHINE_LOCK_S:
            yield (*at, "machine_lock_s"), "shorter than the 24 hours of Ofcom's policy", False
    never_dial = settings.safeguards.never_dial
    if settings.campaigns and never_dial is None:
        text = "no never-dial list: nothing will be dialled unless `softswitch never-dial import` has taken one"
        yield ("safeguards", "never_dial"), text, False
    elif never_dial is not None and not never_dial.is_file():
        text = f"there is no file {never_dial}: nothing will be dialled unless a list was imported before"
        yield ("safeguards", "never_dial"), text, False


def _key_words(settings: Settings) -> Iterator[Complaint]:
    for n, campaign in enumerate(settings.campaigns):
        for position, phrase in enumerate(campaign.key_words):
            if fault := fault_of(phrase):
                yield ("campaigns", n, "key_words", position), f"{phrase!r} {fault}", True
        if campaign.key_words and find_spec("pocketsphinx") is None:
            yield ("campaigns", n, "key_words"), "need one more package: pip install 'softswitch[keywords]'", True


def _supervisor_ratios(settings: Settings) -> Iterator[Complaint]:
    whole = settings.safeguards.supervisor_ratio
    for n, campaign in enumerate(settings.campaigns):
        if campaign.supervisor_ratio is not None and whole and campaign.supervisor_ratio > whole:
            text = f"is laxer than [safeguards] supervisor_ratio {whole}, which counts in any case"
            yield ("campaigns", n, "supervisor_ratio"), text, False


def _times(settings: Settings) -> Iterator[Complaint]:
    for n, campaign in enumerate(settings.campaigns):
        at: Key = ("campaigns", n)
        if campaign.opens >= campaign.closes:
            yield (*at, "closes"), f"{campaign.closes:%H:%M} is not after opens {campaign.opens:%H:%M}", True
        if list(campaign.day_parts) != sorted(set(campaign.day_parts)):
            yield (*at, "day_parts"), "must stand in order, each once", True
        try:
            LeadFilter(campaign.filter)
        except UsageError as error:
            yield (*at, "filter"), str(error), True
        if campaign.starts_on and campaign.ends_on and campaign.starts_on > campaign.ends_on:
            yield (*at, "ends_on"), f"{campaign.ends_on} comes before starts_on {campaign.starts_on}", True
        if campaign.abandoned_target > campaign.abandoned_limit:
            yield (*at, "abandoned_target"), "is above abandoned_limit", True
        if campaign.ring_timeout_s < campaign.minimum_ring_s:
            yield (*at, "ring_timeout_s"), "is shorter than minimum_ring_s", True
        if campaign.queue_low > campaign.queue_high:
            yield (*at, "queue_low"), "is above queue_high", True


def _exposure(settings: Settings) -> Iterator[Complaint]:
    web = settings.web
    if not ipaddress.ip_address(web.address).is_loopback and web.certificate is None:
        text = f"{web.address} is reachable from the network, and without TLS passwords can be read on the way"
        if web.tls == "auto":
            text = (
                f"{web.address} is reachable from the network with a self-made certificate, of which browsers warn: "
                "name a certificate, for nobody should learn to go on without TLS that can be trusted"
            )
        yield ("web", "address"), text, False
    if (web.certificate is None) is not (web.certificate_key is None):
        yield ("web", "certificate"), "certificate and certificate_key belong together: give both", True
    if web.certificate is not None and web.tls == "never":
        yield ("web", "tls"), "never, though a certificate is given; keep one of them", True
    loopback = ipaddress.ip_address(settings.sip.address).is_loopback
    if loopback != ipaddress.ip_address(settings.media.address).is_loopback:
        text = f"{settings.media.address} and sip.address {settings.sip.address} cannot both be reached by one phone"
        yield ("media", "address"), text, False


def _destinations(settings: Settings) -> Iterator[Complaint]:
    safeguards, defence = settings.safeguards, settings.defence
    for position, prefix in enumerate(safeguards.destinations):
        if prefix.startswith(safeguards.refused_destinations or ("none",)):
            text = f'"{prefix}" is refused by refused_destinations: nothing is dialled there'
            yield ("safeguards", "destinations", position), text, False
    may_be_dialled = safeguards.destinations or tuple(safeguards.calls_a_day_to)
    for prefix in safeguards.calls_a_day_to:
        if not any(prefix.startswith(each) or each.startswith(prefix) for each in may_be_dialled):
            yield ("safeguards", "calls_a_day_to", prefix), f'"{prefix}" is not among the destinations', False
    if defence.strangers_per_s < defence.datagrams_per_s:
        text = f"is below datagrams_per_s {defence.datagrams_per_s:g}: one address could use up what all share"
        yield ("defence", "strangers_per_s"), text, False
    if defence.longest_ban_s < defence.ban_s:
        yield ("defence", "longest_ban_s"), f"{defence.longest_ban_s:g} is shorter than ban_s {defence.ban_s:g}", True


_CHECKS: tuple[Callable[[Settings], Iterator[Complaint]], ...] = (
    _twice,
    _supervisors,
    _names,
    _scripts,
    _files,
    _secrets,
    _ports,
    _dialling,
    _times,
    _key_words,
    _supervisor_ratios,
    _excluded,
    _exposure,
    _destinations,
    *SIP_CHECKS,
)
