"""The file from which a desk phone or softphone takes its account: Yealink, Snom, Grandstream, Linphone. Pure.

The parameter names are the makers' own, as their provisioning guides give them. Each file sets one account, G.711
alone, telephone events by RFC 4733 and no silence suppression (a phone that falls silent counts as gone), and nothing
else: the phone's own administrator password, clock and firmware stay as they are. A file holds the phone's password.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape, quoteattr

from softswitch.errors import UsageError

_MAC = re.compile(r"[0-9a-f]{12}")
_SEPARATORS = str.maketrans("", "", ":-. ")
_TRANSPORT_NUMBER = {"udp": 0, "tcp": 1, "tls": 2}
"""As Yealink and Grandstream count them."""
_CODECS = ("PCMA", "PCMU")


class PhoneModel(StrEnum):
    """Whose phone; softphones among them."""

    YEALINK = "yealink"
    SNOM = "snom"
    GRANDSTREAM = "grandstream"
    LINPHONE = "linphone"


class Srtp(StrEnum):
    """Whether the phone offers SRTP with keys in SDP (RFC 4568)."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class PhoneProfile:
    """What one phone is to be told."""

    model: PhoneModel
    mac: str
    """Twelve hexadecimal digits, in small letters; see `read_mac`."""
    label: str
    """On its display: the agent's id, and nobody's name."""
    username: str
    password: str
    host: str
    """The switch's address, as phones reach it; an IPv6 address without brackets."""
    port: int
    transport: str = "udp"
    """udp, tcp or tls."""
    srtp: Srtp = Srtp.OFF
    expires_s: int = 300


@dataclass(frozen=True, slots=True)
class ProvisioningFile:
    name: str
    """As the phone asks for it."""
    media_type: str
    content: str


def read_mac(text: str) -> str:
    """Twelve hexadecimal digits from any usual way to write a MAC address (IEEE 802). Raises UsageError for another
    text, and for the address of a group, which no phone has."""
    mac = text.strip().translate(_SEPARATORS).lower()
    if not _MAC.fullmatch(mac):
        raise UsageError("is no MAC address: twelve hexadecimal digits, such as 00:15:65:12:34:56")
    if int(mac[:2], 16) & 1:
        raise UsageError("is the address of a group of machines, which no phone has")
    return mac


def file_name(model: PhoneModel, mac: str) -> str:
    """What a phone of this make asks its provisioning server for."""
    match model:
        case PhoneModel.YEALINK:
            return f"{mac}.cfg"
        case PhoneModel.GRANDSTREAM:
            return f"cfg{mac}.xml"
        case PhoneModel.SNOM | PhoneModel.LINPHONE:
            return f"{mac}.xml"


def provision(profile: PhoneProfile) -> ProvisioningFile:
    """The file for one phone. Raises UsageError for values that no such file can hold."""
    for value in (profile.label, profile.username, profile.password, profile.host):
        if not value or not value.isprintable():
            raise UsageError("a phone's account has a name, a password and a server, without control characters")
    if profile.transport not in _TRANSPORT_NUMBER:
        raise UsageError(f"phones do not speak {profile.transport}")
    media_type, write = _WRITERS[profile.model]
    return ProvisioningFile(file_name(profile.model, profile.mac), media_type, write(profile))


def _yealink(profile: PhoneProfile) -> str:
    lines = {
        "enable": 1,
        "label": profile.label,
        "display_name": profile.label,
        "user_name": profile.username,
        "auth_name": profile.username,
        "password": profile.password,
        "sip_server.1.address": profile.host,
        "sip_server.1.port": profile.port,
        "sip_server.1.transport_type": _TRANSPORT_NUMBER[profile.transport],
        "sip_server.1.expires": profile.expires_s,
        "dtmf.type": 1,  # RFC 4733
        "srtp_encryption": list(Srtp).index(profile.srtp),
    }
    for name in ("pcma", "pcmu", "g722", "g729", "opus"):
        lines[f"codec.{name}.enable"] = int(name.upper() in _CODECS)
    for priority, name in enumerate(_CODECS, 1):
        lines[f"codec.{name.lower()}.priority"] = priority
    account = "".join(f"account.1.{key} = {value}\n" for key, value in lines.items())
    return f"#!version:1.0.0.1\n{account}voice.vad = 0\n"


def _snom(profile: PhoneProfile) -> str:
    transport = "" if profile.transport == "udp" else f";transport={profile.transport}"
    of_account = {
        "user_active": "on",
        "user_realname": profile.label,
        "user_name": profile.username,
        "user_pname": profile.username,
        "user_pass": profile.password,
        "user_host": profile.host,
        "user_outbound": f"sip:{_authority(profile)}{transport}",
        "user_expiry": str(profile.expires_s),
        "user_srtp": "off" if profile.srtp is Srtp.OFF else "on",
        "user_savp": {"off": "off", "optional": "optional", "required": "mandatory"}[profile.srtp],
        "codec_priority_list": ",".join((*(name.lower() for name in _CODECS), "telephone-event")),
    }
    lines = "".join(f'    <{key} idx="1" perm="RW">{escape(value)}</{key}>\n' for key, value in of_account.items())
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<settings>\n  <phone-settings>\n'
        f'{lines}    <silence_compression perm="RW">off</silence_compression>\n'
        "  </phone-settings>\n</settings>\n"
    )


def _grandstream(profile: PhoneProfile) -> str:
    values = {
        "P271": "1",  # account active
        "P270": profile.label,
        "P3": profile.label,
        "P47": _authority(profile),
        "P35": profile.username,
        "P36": profile.username,
        "P34": profile.password,
        "P31": "1",  # registers
        "P32": str(max(1, profile.expires_s // 60)),  # in minutes
        "P130": str(_TRANSPORT_NUMBER[profile.transport]),
        "P57": "8",  # PCMA first, by RFC 3551's payload types
        "P58": "0",
        "P50": "0",  # no silence suppression
        "P850": "101",  # DTMF by RFC 4733
        "P183": str(list(Srtp).index(profile.srtp)),
    }
    lines = "".join(f"    <{key}>{escape(value)}</{key}>\n" for key, value in values.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gs_provision version="1">\n'
        f'  <mac>{profile.mac}</mac>\n  <config version="1">\n{lines}  </config>\n</gs_provision>\n'
    )


def _linphone(profile: PhoneProfile) -> str:
    sections = {
        "sip": {
            "default_proxy": "0",
            "media_encryption": "none" if profile.srtp is Srtp.OFF else "srtp",
            "media_encryption_mandatory": str(int(profile.srtp is Srtp.REQUIRED)),
        },
        "proxy_0": {
            "reg_identity": f'"{_quoted(profile.label)}" <sip:{profile.username}@{_bracketed(profile.host)}>',
            "reg_proxy": f"<sip:{_authority(profile)};transport={profile.transport}>",
            "reg_sendregister": "1",
            "reg_expires": str(profile.expires_s),
        },
        "auth_info_0": {"username": profile.username, "passwd": profile.password, "domain": _bracketed(profile.host)},
        "audio_codec_0": {"mime": "PCMA", "rate": "8000", "channels": "1", "enabled": "1"},
        "audio_codec_1": {"mime": "PCMU", "rate": "8000", "channels": "1", "enabled": "1"},
    }
    body = "".join(
        f"  <section name={quoteattr(section)}>\n"
        + "".join(
            f'    <entry name={quoteattr(key)} overwrite="true">{escape(value)}</entry>\n'
            for key, value in entries.items()
        )
        + "  </section>\n"
        for section, entries in sections.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">\n{body}</config>\n'
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _authority(profile: PhoneProfile) -> str:
    return f"{_bracketed(profile.host)}:{profile.port}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_WRITERS: dict[PhoneModel, tuple[str, Callable[[PhoneProfile], str]]] = {
    PhoneModel.YEALINK: ("text/plain", _yealink),
    PhoneModel.SNOM: ("application/xml", _snom),
    PhoneModel.GRANDSTREAM: ("application/xml", _grandstream),
    PhoneModel.LINPHONE: ("application/xml", _linphone),
}
