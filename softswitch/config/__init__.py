"""From a site's TOML file to checked settings, and from settings to the values that the rooms work with.

`load` is for programs and refuses a file with a mistake; `problems` is for people and lists every finding.
"""

from pathlib import Path

from pydantic import SecretStr

from softswitch.config.cross_checks import NO_AUDITOR
from softswitch.config.examination import Finding, examine
from softswitch.config.fields import WEEKDAYS
from softswitch.config.inbound import InboundSettings
from softswitch.config.phones import AgentSettings, Connect, SupervisorSettings
from softswitch.config.scripts import load_script
from softswitch.config.settings import CampaignSettings, Settings
from softswitch.config.sip import TrunkSettings
from softswitch.dialler.campaign import Campaign, RecycleRule
from softswitch.errors import UsageError
from softswitch.store.vault_key import credential_path
from softswitch.survey.questionnaire import Questionnaire
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.routes import Route

__all__ = [
    "AgentSettings",
    "CampaignSettings",
    "Connect",
    "Finding",
    "InboundSettings",
    "Settings",
    "SupervisorSettings",
    "TrunkSettings",
    "campaign_of",
    "carrier_account",
    "load",
    "phone_account",
    "problems",
    "read_secret",
    "recording_key",
    "recordings_directory",
    "routes_of",
    "scripts_of",
    "store_url",
    "vault_key_file",
]


def load(path: Path) -> Settings:
    """Settings of a file and the environment; UsageError with every fatal finding where there is one."""
    settings, findings = examine(path)
    fatal = [finding for finding in findings if finding.fatal]
    if fatal or settings is None:
        lines = "\n".join(f"  {finding}" for finding in fatal)
        raise UsageError(f"{path} cannot be used:\n{lines}")
    return settings


def problems(path: Path) -> list[Finding]:
    """Every finding, by line; empty when all is well."""
    return examine(path)[1]


def store_url(settings: Settings) -> str:
    """Address of the store; SQLite in the data directory unless the site says otherwise."""
    return settings.store.url or f"sqlite+aiosqlite:///{settings.site.data_directory / 'softswitch.db'}"


def vault_key_file(settings: Settings) -> Path | None:
    """Where the vault's master key is: the site's file, or the service's credential; None: beside an SQLite store."""
    return settings.vault.key_file or credential_path()


def recording_key(settings: Settings) -> bytes:
    """The auditor's public key. Raises UsageError where the site names none: no recording, no call."""
    if not settings.recordings.auditor_public_key:
        raise UsageError(f"[recordings] auditor_public_key {NO_AUDITOR}")
    return bytes.fromhex(settings.recordings.auditor_public_key)


def recordings_directory(settings: Settings) -> Path:
    return settings.recordings.directory or settings.site.data_directory / "recordings"


def carrier_account(trunk: TrunkSettings) -> CarrierAccount:
    """The value that the user agent pool works with; reads the password's file where one is named."""
    return CarrierAccount(
        name=trunk.name,
        host=trunk.host,
        port=trunk.port,
        transport="" if trunk.transport == "auto" else trunk.transport.upper(),
        domain=trunk.domain,
        addresses=trunk.addresses,
        username=trunk.username,
        password=read_secret(trunk.password, trunk.password_file),
        register=trunk.registers,
        realm=trunk.realm,
        expires_s=trunk.expires_s,
        caller_id=trunk.caller_id,
        channels=trunk.channels,
        calls_per_second=trunk.calls_per_second,
        identity_style=trunk.identity,
        withholds=trunk.withhold_caller_id,
        trusts_identity=trunk.trusts_identity,
        failover_after_s=trunk.failover_after_s,
        options_s=trunk.options_s,
    )


def routes_of(trunk: TrunkSettings) -> list[Route]:
    """Which numbers a trunk takes, and for how much."""
    if not trunk.routes:
        return [Route(trunk.name, "", trunk.priority, trunk.cost, trunk.weight)]
    return [Route(trunk.name, each.prefix, each.priority, each.cost, each.weight) for each in trunk.routes]


def phone_account(whose: AgentSettings | SupervisorSettings) -> PhoneAccount:
    return PhoneAccount(
        agent=whose.id,
        username=whose.phone_username,
        password=read_secret(whose.phone_password, whose.phone_password_file),
        keepalive_s=whose.keepalive_s,
    )


def campaign_of(campaign: CampaignSettings, settings: Settings) -> Campaign:
    """The value that the dialler works with; a caller id that it lacks is its trunk's, where that is certain."""
    own = campaign.model_dump(
        exclude={
            *("leads", "start", "script", "aapor", "recycle", "weekdays", "holidays", "caller_id", "categories"),
            *("agents", "at_abandoned_limit", "supervisor_ratio", "keep_days", "key_words"),
        }
    )
    trunks = [t for t in settings.trunks if t.name == campaign.trunk or not campaign.trunk]
    presented = {t.caller_id for t in trunks}
    return Campaign(
        **own,
        agents=_agents_of(campaign, settings),
        caller_id=campaign.caller_id or (presented.pop() if len(presented) == 1 else ""),
        weekdays=frozenset(WEEKDAYS.index(day) for day in campaign.weekdays),
        holidays=frozenset(campaign.holidays),
        recycle={name: RecycleRule(rule.after_s, rule.attempts) for name, rule in campaign.recycle.items()},
    )


def scripts_of(settings: Settings) -> dict[str, Questionnaire]:
    """By campaign, of those that have one. Raises UsageError where a file is not as it was when it was checked."""
    return {each.name: load_script(each.script, each.visible_fields) for each in settings.campaigns if each.script}


def _agents_of(campaign: CampaignSettings, settings: Settings) -> tuple[str, ...]:
    """The agents who work for it; empty: all. Those whom one of its categories excludes never do."""
    excluded = {a.id for a in settings.agents if not set(campaign.categories).isdisjoint(a.excluded_categories)}
    if not excluded:
        return campaign.agents
    left = tuple(each for each in campaign.agents or (a.id for a in settings.agents) if each not in excluded)
    return left or ("",)  # nobody has this id: an empty list would mean everybody


def read_secret(given: SecretStr, path: Path | None) -> str:
    """A password given as it is or by its file. Raises UsageError where the file cannot be read."""
    if path is None:
        return given.get_secret_value()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the password file {path} cannot be read: {type(error).__name__}") from error
