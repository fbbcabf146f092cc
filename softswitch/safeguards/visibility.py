"""What each role may see of who is called: views, never records, and the only ones of a call and of a lead.

Each role has its own view type; a view has no field that its role may not know, so that nothing can be forgotten in
a template, an API answer or a log line. What supervisors see of the rest of the site (`wallboard`, `campaign_views`,
`supervision_views`) knows a call by its reference alone, or takes its view from here.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.figures import CallFigures
from softswitch.dialler.lead import Lead
from softswitch.errors import UsageError
from softswitch.survey.spoken_digits import digits_of


@dataclass(frozen=True, slots=True)
class AgentCallView:
    """What an agent knows of a call: its opaque name and the fields that the campaign lists."""

    call_ref: str
    campaign: str
    fields: dict[str, str]
    is_shown_first: bool = False
    """Nothing is dialled yet: the agent has it called, or skips it."""


@dataclass(frozen=True, slots=True)
class CallView:
    call_ref: str
    campaign: str
    agent: str
    state: str
    """"dialling", "ringing", "answered", "in call", "message", "machine", "voicemail"."""
    age_s: float
    amd_verdict: str
    masked_number: str
    """Last two digits, for supervisors."""


MASKED_DIGITS_SHOWN = 2
DIGITS_THAT_IDENTIFY = 6
"""The shortest numbers that can be dialled within a town have so many; fewer are years, ages, house sizes."""
SHORTEST_PART = 3
"""Of a number that stands in several fields."""


def mask(number: str) -> str:
    """A number as supervisors may see it: its last two digits, behind dots that do not tell its length."""
    digits = [character for character in number if character.isdigit()]
    shown = "".join(digits[-MASKED_DIGITS_SHOWN:]) if len(digits) > 2 * MASKED_DIGITS_SHOWN else ""
    return f"••••••{shown}" if digits else ""


_WITHHELD = re.compile(r"address|street|post_?code|postal|\bzip|_zip|phone|mobile|fax|e_?mail")


def is_withheld(field: str) -> bool:
    """Whether a field says by its name that it holds an address or a way to reach somebody: no agent sees it."""
    return _WITHHELD.search(field.lower().replace("-", "_").replace(" ", "_")) is not None


def agent_call_view(
    attempt: DialAttempt, lead: Lead, campaign: Campaign, *, is_shown_first: bool = False
) -> AgentCallView:
    """The call's opaque name and the lead's fields that the campaign lists; never a field that holds the number.

    Addresses are withheld whatever the campaign lists. Fields that repeat the lead's number, one alone or several
    together, are left out whatever their names: an import may bring the number twice, and the campaign may list the
    columns by mistake.
    """
    fields = {
        name: lead.fields[name] for name in campaign.visible_fields if name in lead.fields and not is_withheld(name)
    }
    for number in lead.every_number:
        for name in _telling(fields, number):
            del fields[name]
    return AgentCallView(attempt.call_ref, campaign.name, fields, is_shown_first)


def call_view(figures: CallFigures) -> CallView:
    return CallView(
        call_ref=figures.call_ref,
        campaign=figures.campaign,
        agent=figures.agent,
        state=figures.state,
        age_s=figures.age_s,
        amd_verdict=figures.amd_verdict,
        masked_number=mask(figures.number),
    )


def _telling(fields: Mapping[str, str], number: str) -> set[str]:
    """Names of the fields by which a number could be dialled: its last digits are in one of them, in any script,
    grouping or in words; or several are parts of it that together are as long."""
    digits, _ = digits_of(number)
    last = digits[-DIGITS_THAT_IDENTIFY:]
    said = {name: digits_of(text) for name, text in fields.items()}
    telling = {name for name, forms in said.items() if any(last in form for form in forms)}
    parts = {name: form for name, (form, _) in said.items() if len(form) >= SHORTEST_PART and form in digits}
    if sum(map(len, parts.values())) >= DIGITS_THAT_IDENTIFY:
        telling |= parts.keys()
    return telling


# Who a lead is


class Role(StrEnum):
    """Of somebody who looks at a lead."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, by account, and as what."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class WholeLeadView:
    """Who a lead is: for an auditor or an administrator, after a reason that was noted."""

    lead_ref: str
    campaign: str
    state: str
    number: str
    fields: dict[str, str]


class Note(Protocol):
    """What writes to the audit log; returns when the record is on disk, and raises where it cannot be."""

    async def __call__(self, actor: str, action: str, *, subject: str, reason: str) -> None: ...


async def reveal_lead(
    lead_ref: str, looker: Looker, reason: str, *, note: Note, read: Callable[[str], Awaitable[Lead]]
) -> WholeLeadView:
    """The whole of a lead. The reason is noted before anything is read; where it cannot be, nothing is shown.

    Raises UsageError for a role that may not look, and for a reason that says nothing.
    """
    if looker.role not in (Role.ADMINISTRATOR, Role.AUDITOR):
        raise UsageError("only an auditor or an administrator may see who a lead is")
    if not any(character.isalnum() for character in reason):
        raise UsageError("say why: the reason is noted in the audit log")
    await note(looker.name, "show lead", subject=lead_ref, reason=reason)
    lead = await read(lead_ref)
    return WholeLeadView(lead.lead_ref, lead.campaign, lead.state.value, lead.number, dict(lead.fields))
