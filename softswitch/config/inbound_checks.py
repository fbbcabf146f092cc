"""What is wrong between what is said of calls to a site's own numbers and the rest of its configuration."""

from collections.abc import Iterator
from datetime import UTC, datetime

from softswitch.config.complaints import Complaint, suggestion
from softswitch.config.destinations import domestic
from softswitch.config.inbound import InboundSettings
from softswitch.config.settings import Settings
from softswitch.config.toml_lines import Key
from softswitch.safeguards.toll import TollGuard, TollLimits


def check_inbound(settings: Settings, at: Key, inbound: InboundSettings, trunks: set[str]) -> Iterator[Complaint]:
    for name in ("prompt_no_agent", "recording_notice", "greeting", "prompt_closed"):
        yield from check_prompt(settings, (*at, name), getattr(inbound, name))
    if inbound.caller_hears != "ringing":
        yield from check_prompt(settings, (*at, "caller_hears"), inbound.caller_hears)
    for name in ("prompt_callback", "prompt_callback_kept"):
        yield from check_prompt(settings, (*at, name), getattr(inbound, name))
    campaigns = {campaign.name for campaign in settings.campaigns}
    if inbound.callback_campaign and inbound.callback_campaign not in campaigns:
        text = f'there is no campaign "{inbound.callback_campaign}"{suggestion(inbound.callback_campaign, campaigns)}'
        yield (*at, "callback_campaign"), text, True
    if bool(inbound.callback_campaign) != bool(inbound.prompt_callback):
        yield (*at, "prompt_callback"), "prompt_callback and callback_campaign belong together: give both", True
    for prompt in inbound.positions:
        yield from check_prompt(settings, (*at, "positions"), prompt)
    for position, wait in enumerate(inbound.waits):
        yield from check_prompt(settings, (*at, "waits", position, "prompt"), wait.prompt)
    limits = [wait.up_to_s for wait in inbound.waits]
    if limits != sorted(set(limits)):
        yield (*at, "waits"), "the waits must stand in order, the shortest first", True
    if inbound.overflow_trunk and inbound.overflow_trunk not in trunks:
        text = f'there is no trunk "{inbound.overflow_trunk}"{suggestion(inbound.overflow_trunk, trunks)}'
        yield (*at, "overflow_trunk"), text, True
    if inbound.overflow_number and (why := _never_dialled(settings, inbound.overflow_number)):
        yield (*at, "overflow_number"), f"{why}, so no caller overflows: see [safeguards] destinations", False
    if (inbound.opens is None) != (inbound.closes is None):
        yield (*at, "opens"), "opens and closes belong together: give both, or neither", True
    elif inbound.opens is not None and inbound.closes is not None and inbound.opens >= inbound.closes:
        yield (*at, "closes"), "it must close after it opens, on the same day", True
    if inbound.skills and not any(
        set(inbound.skills) <= set(agent.skills) and (not inbound.agents or agent.id in inbound.agents)
        for agent in settings.agents
    ):
        yield (*at, "skills"), f"no agent who may take its calls has {' and '.join(inbound.skills)}", True


def check_agents(key: Key, wanted: tuple[str, ...], known: set[str]) -> Iterator[Complaint]:
    for agent in wanted:
        if agent not in known:
            yield key, f'there is no agent "{agent}"{suggestion(agent, known)}', True


def check_prompt(settings: Settings, key: Key, name: str) -> Iterator[Complaint]:
    if name and name not in settings.prompts and not name.startswith("tone:"):
        yield key, f'there is no prompt "{name}"{suggestion(name, settings.prompts)}', True


def _never_dialled(settings: Settings, number: str) -> str | None:
    """What the toll guard will say to any call there; None where it lets them pass."""
    own = settings.safeguards
    limits = TollLimits(destinations=own.destinations, refused=own.refused_destinations)
    today = datetime.now(UTC)
    return TollGuard(
        limits, is_domestic=domestic(settings.site.country), calls_up=lambda: 0, clock=lambda: today
    ).refusal(number)
