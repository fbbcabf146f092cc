"""What a site's TOML file may say of agents and supervisors, and of the phones that register for them."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from softswitch.config.fields import Name, OptionalFile, Section
from softswitch.config.people import ClearanceSettings
from softswitch.errors import UsageError
from softswitch.ua.provisioning import PhoneModel, read_mac


class Connect(StrEnum):
    """How an agent's phone takes part."""

    NAILED_UP = "nailed-up"
    """One call for the whole shift; callees are bridged to it."""
    RING_PER_CALL = "ring-per-call"


def _mac(text: str) -> str:
    try:
        return text and read_mac(text)
    except UsageError as error:
        raise ValueError(str(error)) from None


class PhoneSettings(Section):
    """Somebody's phone, as it registers with us."""

    phone_username: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")] = ""
    """The phone registers with it. Left out: there is no phone, and a browser headset serves in its place."""
    phone_password: SecretStr = SecretStr("")
    """Digest password of the phone."""
    phone_password_file: OptionalFile = None
    """File with the password, instead of `phone_password`."""
    phone_model: PhoneModel | None = None
    """yealink, snom, grandstream or linphone: which file the administrator's page makes; see docs/first-day.md."""
    phone_mac: Annotated[str, AfterValidator(_mac)] = ""
    """The phone's MAC address, by which it asks for that file."""
    keepalive_s: Annotated[float, Field(ge=0, le=600)] = 30.0
    """Pause between OPTIONS in the phone's call; 0 for a phone that does not answer them."""


class AgentSettings(PhoneSettings, ClearanceSettings):
    """[[agents]]"""

    id: Name
    """What the agent logs in with; a number or a name."""
    pin: SecretStr | None = None
    """For the agent page, where the agent has no account of `softswitch people`: at least four digits."""
    connect: Connect = Connect.NAILED_UP
    """nailed-up: one call for the whole shift; ring-per-call: the phone rings for each callee."""
    skills: tuple[Name, ...] = ()
    """What the agent has learnt; inbound numbers may ask for it."""


class SupervisorSettings(PhoneSettings):
    """[[supervisors]]: a phone that rings when its supervisor begins to listen; it can dial nothing."""

    id: Name
    """Name of the supervisor's web account."""
