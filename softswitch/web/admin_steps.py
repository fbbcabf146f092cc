"""The steps of the administrator's page in their order, as blocks of plain values that the browser draws."""

from softswitch.safeguards.site_setup import PromptReport, SiteSetup
from softswitch.web.admin_agents import agents_step, phones_step
from softswitch.web.admin_blocks import (
    Block,
    Shown,
    form_block,
    job_blocks,
    light_block,
    list_block,
    taken_blocks,
    text_field,
    upload_block,
    words_block,
)
from softswitch.web.admin_campaigns import campaign_step, leads_step
from softswitch.web.admin_trunk import trunk_step

STEPS = (
    ("site", "1 Site"),
    ("trunk", "2 Trunk"),
    ("never-dial", "3 Never-dial list"),
    ("message", "4 Message"),
    ("agents", "5 Agents"),
    ("phones", "6 Phones"),
    ("campaign", "7 Campaign"),
    ("leads", "8 Leads"),
    ("start", "9 Start"),
)
GOOD_DBOV = (-30.0, -15.0)
"""Speech of a message that everybody understands; ITU-T P.56 measures it."""
CUT_OFF_DBOV = -0.5
"""A peak this near to the limit has most likely been cut off there."""
OPTIONAL = frozenset({"phones"})


def done(setup: SiteSetup, *, has_leads: bool) -> set[str]:
    """Steps that have what a shift needs. has_leads: a campaign in force has somebody to call."""
    held = {
        "site": setup.name != "New site",
        "trunk": bool(setup.trunks),
        "never-dial": setup.never_dial_at is not None,
        "message": bool(setup.prompts),
        "agents": bool(setup.agents),
        "phones": any(agent.has_phone_file for agent in setup.agents),
        "campaign": any(campaign.information_message for campaign in setup.campaigns),
        "leads": has_leads,
    }
    held["start"] = all(held[step] for step in held.keys() - OPTIONAL) and not setup.waiting
    return {step for step, is_done in held.items() if is_done}


def blocks(step: str, shown: Shown) -> tuple[str, list[Block]]:
    """(what the step is for, its blocks)."""
    return _STEPS[step](shown)


def _site(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    fields = [
        text_field("name", "Name", setup.name, required=True, hint="Shown on the wallboard."),
        text_field("time_zone", "Time zone", setup.time_zone, required=True, hint="Such as Europe/London."),
        text_field(
            "country", "Country", setup.country, required=True, hint="Two letters; of numbers without a country code."
        ),
    ]
    return "Who you are, and by whose clock the rules count a day.", [
        form_block("site", "Site", fields, (("site", "Save the site", True),), shown)
    ]


def _never_dial(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    at = setup.never_dial_at
    state = (
        "There is no list yet: nothing is dialled without one."
        if at is None
        else (f"{setup.never_dial_entries:,} entries, imported on {at.astimezone(shown.zone):%Y-%m-%d %H:%M}.")
    )
    upload = upload_block("never-dial-file", "File of numbers (CSV)", ".csv,text/csv,text/plain")
    return "Victims, witnesses, staff, courts: whom no call may reach. Keyed hashes are kept; the file is deleted.", [
        light_block(state, "alert" if at is None else "ready", "missing" if at is None else "in force"),
        words_block(
            "form",
            "One number on each line, written as people write them; an asterisk at its end stands for every number "
            "that begins so. The list takes the place of the one before.",
        ),
        upload,
        *taken_blocks(shown, "never-dial-file", [("never-dial", "Import the never-dial list", True)], ()),
        *job_blocks(shown, "never-dial import"),
    ]


def _message(shown: Shown) -> tuple[str, list[Block]]:
    prompts = ", ".join(shown.setup.prompts) or "none yet"
    return (
        "What somebody hears for whom no agent is free: on whose behalf you called, and how to be called no more. "
        "2 to 60 seconds of speech.",
        [
            words_block("prompts", f"Messages: {prompts}."),
            upload_block("message-file", "Sound file (WAV or FLAC)", ".wav,.flac,audio/*", record=True),
            *taken_blocks(shown, "message-file", [("message", "Use it as the information message", True)], ()),
            *([] if shown.message is None else [list_block("How the message sounds", how_it_sounds(shown.message))]),
        ],
    )


def how_it_sounds(message: PromptReport) -> list[str]:
    """What an administrator needs to know of a message that was kept, in words with the figures behind them."""
    quiet, loud = GOOD_DBOV
    if message.level_dbov < quiet:
        loudness = "rather quiet, and some will not understand it: better record it again, nearer to the microphone"
    elif message.level_dbov > loud:
        loudness = "rather loud: better record it again, farther from the microphone"
    else:
        loudness = "right"
    cut = message.peak_dbov >= CUT_OFF_DBOV
    return [
        f"Length: {message.seconds:g} seconds.",
        f"Loudness: {loudness} (speech at {message.level_dbov:.0f} dBov; {quiet:.0f} to {loud:.0f} is right).",
        f"Loudest moment: {'at the limit, so it may crackle there' if cut else 'nothing is cut off'} "
        f"({message.peak_dbov:.0f} dBov; 0 is the limit).",
    ]


def _start(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    found: list[Block] = []
    if setup.waiting:
        found += [
            words_block("waits", "In the file, and not in force before a restart:"),
            list_block("What waits for a restart", [_in_words(each) for each in setup.waiting]),
        ]
    else:
        found.append(words_block("waits", "All that is in the file is in force."))
    if setup.warnings:
        found += [
            words_block("says", "softswitch check says:"),
            list_block("What the check says", setup.warnings),
        ]
    found.append(form_block("restart", "Restart", [], (("restart", "Restart now", True),), shown))
    return (
        "A restart takes a few seconds, is refused while calls are up, and ends everybody's log-in. Then open the "
        "wallboard: a supervisor must be present before anything is dialled.",
        found,
    )


def _in_words(waiting: str) -> str:
    """What waits, by what people call it: "[[agents]] 1001" is agent 1001."""
    section, _, name = waiting.strip("[]").partition("]] ")
    return f"{_SECTIONS.get(section, section)} {name}".strip()


_SECTIONS = {
    "site": "Name, time zone or country of the site",
    "prompts": "Messages",
    "agents": "Agent",
    "supervisors": "Supervisor",
    "trunks": "Trunk",
    "campaigns": "Campaign",
    "inbound": "Queue",
}
_STEPS = {
    "site": _site,
    "trunk": trunk_step,
    "never-dial": _never_dial,
    "message": _message,
    "agents": agents_step,
    "phones": phones_step,
    "campaign": campaign_step,
    "leads": leads_step,
    "start": _start,
}
