"""The steps of the administrator's page, as blocks of plain values that the browser draws: forms, uploads, tables."""

from collections.abc import Sequence
from typing import Any

from softswitch.safeguards.site_setup import CampaignSetup, SiteSetup, TrunkSetup
from softswitch.safeguards.trunk_words import words_of
from softswitch.safeguards.wallboard import TrunkView
from softswitch.web.admin_blocks import (
    Block,
    Shown,
    form_block,
    light_block,
    list_block,
    new_button,
    select_field,
    table_block,
    text_field,
    upload_block,
    words_block,
)

MESSAGE = "who_called"
"""Name of the information message that the page takes in."""
NEW = ""
AGENT_MEANINGS = ("id", "pin", "phone_username", "phone_mac", "phone_model")
LEAD_MEANINGS = ("number", "country", "time_zone", "first_name", "last_name", "priority")
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
OPTIONAL = frozenset({"phones"})
POLICIES = ("predictive", "progressive", "guaranteed_agent", "preview", "manual", "ratio")
POLICY_HINT = "Predictive dials ahead of agents; progressive waits for one; guaranteed agent keeps one for each call."


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


def _trunk(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    trunk = next((each for each in setup.trunks if each.name == shown.chosen.get("trunk", _first(setup.trunks))), None)
    own = trunk or TrunkSetup("", "", None, "auto", "", False, True, "", 30, 5.0)
    fields = [
        text_field("name", "Trunk name", own.name, required=True, hint="Campaigns refer to it by this name."),
        text_field("host", "Host", own.host, required=True, hint="The carrier's SIP proxy."),
        text_field(
            "port",
            "Port",
            "" if own.port is None else str(own.port),
            type_="number",
            hint="Only where the carrier gave one.",
        ),
        select_field(
            "transport",
            "Transport",
            own.transport,
            [
                (each, each.upper() if each != "auto" else "As the carrier's DNS says")
                for each in ("auto", "udp", "tcp", "tls")
            ],
        ),
        text_field("username", "User name", own.username),
        text_field(
            "password",
            "Password",
            "",
            type_="password",
            placeholder="unchanged" if own.has_password else "",
            hint="Kept in a file of its own, and never shown.",
        ),
        {"name": "register", "label": "Register with the carrier", "type": "checkbox", "value": own.register},
        text_field("caller_id", "Caller id", own.caller_id, hint="In the form +442079460123; it must take calls back."),
        text_field("channels", "Channels", str(own.channels), type_="number", hint="Calls at a time."),
        text_field("calls_per_second", "Calls per second", f"{own.calls_per_second:g}", type_="number"),
    ]
    lights = [_light(view) for view in shown.trunks]
    waiting = [each for each in setup.waiting if each.startswith("[[trunks]] ")]
    lights += [light_block(each.removeprefix("[[trunks]] "), "idle", "not in force yet") for each in waiting]
    if waiting:
        lights.append(form_block("apply", "Trunks that wait", [], (("apply", "Try again now", False),), shown))
    found = [*lights, form_block("trunk", "Trunk", fields, (("trunk", "Save the trunk", True),), shown)]
    if setup.trunks:
        rows = [
            (each.name, (each.name, each.host), (("choose-trunk", "Change"), ("remove-trunk", "Remove")))
            for each in setup.trunks
        ]
        found.append(table_block("Trunks", ("Name", "Host", ""), rows))
        found.append(new_button("trunk", "Another trunk", shown))
    if shown.trunks:
        call = [
            select_field("trunk", "Over", shown.trunks[0].name, [(each.name, each.name) for each in shown.trunks]),
            text_field(
                "number", "Number to call", "", required=True, hint="Your own. It hears three tones, and is recorded."
            ),
        ]
        button = (("test-call", "Make a test call", False),)
        found.append(form_block("test-call", "Test call", call, button, shown) | {"heading": "Test call"})
    if shown.test_call is not None:
        state, reason = shown.test_call.state, shown.test_call.reason
        tone = {"ended": "ready", "answered": "busy", "failed": "alert"}.get(state, "wrap")
        found.append(light_block(f"Test call over {shown.test_call.trunk}. {reason}", tone, state))
    return (
        "The carrier that takes your calls to the telephone network. What you save is in force at once; a trunk that "
        "carries a call waits until the call is over.",
        found,
    )


def _light(view: TrunkView) -> Block:
    words = words_of(view.state, view.refusal)
    return light_block(f"{view.name}: {words.long}", words.tone, words.short)


def _never_dial(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    at = setup.never_dial_at
    state = (
        "There is no list yet: nothing is dialled without one."
        if at is None
        else (f"{setup.never_dial_entries:,} entries, imported on {at:%Y-%m-%d %H:%M} UTC.")
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
        *_taken(shown, "never-dial-file", [("never-dial", "Import the never-dial list", True)], ()),
        *_job_blocks(shown, "never-dial import"),
    ]


def _message(shown: Shown) -> tuple[str, list[Block]]:
    prompts = ", ".join(shown.setup.prompts) or "none yet"
    return (
        "What somebody hears for whom no agent is free: on whose behalf you called, and how to be called no more. "
        "2 to 60 seconds of speech.",
        [
            {"kind": "text", "key": "prompts", "text": f"Messages: {prompts}."},
            upload_block("message-file", "Sound file (WAV or FLAC)", ".wav,.flac,audio/*", record=True),
            *_taken(shown, "message-file", [("message", "Use it as the information message", True)], ()),
        ],
    )


def _agents(shown: Shown) -> tuple[str, list[Block]]:
    found: list[Block] = [
        {
            "kind": "text",
            "key": "columns",
            "text": "One row for each agent. Columns: id, pin (6 to 12 digits), "
            "phone_username, phone_mac, phone_model (yealink, snom, grandstream, linphone). Names are left out.",
        },
        upload_block("agents-file", "File of agents (CSV)", ".csv,text/csv"),
    ]
    buttons = [("agents-dry", "Dry run", False), ("agents", "Import the agents", True)]
    found += _taken(shown, "agents-file", buttons, AGENT_MEANINGS)
    if shown.report is not None:
        told = shown.report
        done_ = "Would be" if told.dry_run else "Were"
        read = "1 row" if told.rows == 1 else f"{told.rows} rows"
        text = f"{read}. {done_} added: {told.added}; changed: {told.changed}; the same: {told.unchanged}."
        if told.left_out:
            text += f" Columns left out: {', '.join(told.left_out)}."
        found.append({"kind": "text", "key": "agents-report", "text": text})
        if told.problems:
            found.append(list_block("Mistakes in the file", told.problems, "alert"))
    if shown.setup.agents:
        rows = [
            (a.id, (a.id, a.phone_username or "browser headset", a.phone_model), (("remove-agent", "Remove"),))
            for a in shown.setup.agents
        ]
        found.append(table_block(f"{len(rows)} agents", ("Agent", "Phone", "Make", ""), rows))
    return "Agents log in at /agent with number and PIN. With a headset in the browser they need no phone.", found


def _phones(shown: Shown) -> tuple[str, list[Block]]:
    actions = (("phone-file", "Download"), ("phone-offer", "Let it fetch"))
    rows = [(a.id, (a.id, a.phone_model, a.phone_mac), actions) for a in shown.setup.agents if a.has_phone_file]
    found: list[Block] = []
    if shown.offer is not None:
        agent, path, minutes = shown.offer
        text = f"The phone of agent {agent} may fetch it once, within {minutes} minutes, from:"
        found.append({"kind": "address", "key": path, "text": text, "path": path})
    found += [table_block("Phones with a make and a MAC address", ("Agent", "Make", "MAC", ""), rows)]
    if not rows:
        found = [
            {
                "kind": "text",
                "key": "none",
                "text": "No agent has a phone with phone_mac and phone_model: give them in "
                "the file of agents. Agents with a browser headset need none.",
            }
        ]
    return (
        "The file that a phone takes its account from. It holds the phone's password: give it to the phone alone. Or "
        "let the phone fetch it once, within an hour, from the agents' network.",
        found,
    )


def _campaign(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    chosen = shown.chosen.get("campaign", _first(setup.campaigns))
    campaign = next((each for each in setup.campaigns if each.name == chosen), None)
    message = MESSAGE if MESSAGE in setup.prompts else ""
    own = campaign or CampaignSetup(
        "", "research", "predictive", _first(setup.trunks), "", "09:00", "20:00", message, (), (), ""
    )
    fields = [
        text_field("name", "Campaign name", own.name, required=True),
        select_field("purpose", "Purpose", own.purpose, [("research", "Research"), ("marketing", "Marketing")]),
        select_field(
            "policy", "Policy", own.policy, [(each, each.replace("_", " ")) for each in POLICIES], POLICY_HINT
        ),
        select_field("trunk", "Trunk", own.trunk, [("", "Any"), *((each.name, each.name) for each in setup.trunks)]),
        text_field("caller_id", "Caller id", own.caller_id, hint="Empty: the trunk's."),
        text_field("opens", "From", own.opens, type_="time", required=True, hint="The callee's local time."),
        text_field("closes", "Until", own.closes, type_="time", required=True),
        select_field(
            "information_message",
            "Information message",
            own.information_message,
            [("", "None: it will not start"), *((each, each) for each in setup.prompts)],
        ),
        text_field(
            "visible_fields",
            "Fields that agents see",
            " ".join(own.visible_fields),
            hint="Columns of the list, with spaces between. Never the number.",
        ),
        text_field("agents", "Agents", " ".join(own.agents), hint="Their ids, with spaces between; empty: all."),
    ]
    found = [form_block("campaign", "Campaign", fields, (("campaign", "Save the campaign", True),), shown)]
    if campaign is not None:
        found.append(upload_block("script-file", f"Script of {campaign.name} (TOML or YAML)", ".toml,.yaml,.yml"))
        found += _taken(shown, "script-file", [("script", "Use this script", True)], ())
    if setup.campaigns:
        rows = [
            (
                c.name,
                (c.name, c.policy, c.script or "no script"),
                (("choose-campaign", "Change"), ("remove-campaign", "Remove")),
            )
            for c in setup.campaigns
        ]
        found += [
            table_block("Campaigns", ("Name", "Policy", "Script", ""), rows),
            new_button("campaign", "Another campaign", shown),
        ]
    return "What is called for, when, and as whom.", found


def _leads(shown: Shown) -> tuple[str, list[Block]]:
    campaigns = [(each.name, each.name) for each in shown.setup.campaigns]
    if not campaigns:
        return "Whom to call.", [{"kind": "text", "key": "none", "text": "Make a campaign first."}]
    first = [select_field("campaign", "Campaign", campaigns[0][0], campaigns)]
    buttons = [("leads-dry", "Dry run", False), ("leads", "Import the leads", True)]
    return "Whom to call. Numbers, names and addresses are encrypted as they come in; the file is deleted.", [
        *(words_block(f"leads-{name}", _leads_of(name, *shown.leads.get(name, (0, 0)))) for name, _ in campaigns),
        words_block(
            "form",
            "One row for each lead. Columns: number; country, time_zone and priority where there are such. Any other "
            "column is kept with the lead, and agents see it where the campaign names it.",
        ),
        upload_block("leads-file", "File of leads (CSV)", ".csv,text/csv"),
        *_taken(shown, "leads-file", buttons, LEAD_MEANINGS, first),
        *_job_blocks(shown, "leads"),
    ]


def _leads_of(campaign: str, left: int, total: int) -> str:
    return f"{campaign}: {total:,} leads, {left:,} still to be called." if total else f"{campaign}: no leads yet."


def _start(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    found: list[Block] = []
    if setup.waiting:
        found += [
            {"kind": "text", "key": "waits", "text": "In the file, and not in force before a restart:"},
            list_block("What waits for a restart", [_in_words(each) for each in setup.waiting]),
        ]
    else:
        found.append({"kind": "text", "key": "waits", "text": "All that is in the file is in force."})
    if setup.warnings:
        found += [
            {"kind": "text", "key": "says", "text": "softswitch check says:"},
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
    "trunk": _trunk,
    "never-dial": _never_dial,
    "message": _message,
    "agents": _agents,
    "phones": _phones,
    "campaign": _campaign,
    "leads": _leads,
    "start": _start,
}


def _job_blocks(shown: Shown, kind: str) -> list[Block]:
    job = next((each for each in shown.jobs if each.what.startswith(kind)), None)
    if job is None:
        return []
    of = f" for {job.subject}" if job.subject else ""
    if job.state == "running":
        share = job.rows_done / job.rows if job.rows else 0.0
        return [{"kind": "progress", "key": "job", "text": f"{job.what}{of}: {job.rows_done:,} rows", "share": share}]
    tone = "ready" if job.state == "done" else "alert"
    found = [light_block(f"{job.what}{of}. {job.error}", tone, job.state)]
    if job.figures:
        found.append(
            list_block("Figures", [f"{name.replace('_', ' ')}: {count:,}" for name, count in job.figures.items()])
        )
    if job.problems:
        found.append(list_block("Rows that could not be taken as they are", job.problems, "alert"))
    return found


def _taken(
    shown: Shown,
    upload: str,
    buttons: Sequence[tuple[str, str, bool]],
    meanings: Sequence[str],
    first: Sequence[Block] = (),
) -> list[Block]:
    """The form for a file that has arrived: which column means what, and what to do with it."""
    file = shown.uploads.get(upload)
    if file is None:
        return []
    fields = list(first)
    if meanings and file.columns:
        by_name = [("", "None, or by its name"), *((name, name) for name in file.columns if name)]
        same = {name.casefold(): name for name in file.columns}
        fields += [select_field(f"column-{each}", f"Column: {each}", same.get(each, ""), by_name) for each in meanings]
    form = form_block(buttons[-1][0], "Uploaded file", fields, buttons, shown)
    form["key"] += file.upload_ref
    return [{"kind": "text", "key": upload + "-name", "text": f"{file.name}, {file.size:,} bytes."}, form]


def _first(elements: Sequence[Any]) -> str:
    return str(elements[0].name) if elements else NEW
