"""The steps of the administrator's page, as blocks of plain values that the browser draws: forms, uploads, tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from softswitch.safeguards.site_setup import AgentsReport, CampaignSetup, Job, SiteSetup, TestCall, TrunkSetup, Upload
from softswitch.safeguards.wallboard import TrunkView

Block = dict[str, Any]
LIGHTS = {"registered": "ready", "static": "ready"}
"""Every other state of a trunk is an alert."""
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


@dataclass(slots=True)
class Shown:
    """What one open page has before it."""

    setup: SiteSetup
    trunks: tuple[TrunkView, ...] = ()
    """Those in force."""
    test_call: TestCall | None = None
    jobs: Sequence[Job] = ()
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    """By the block that took it in."""
    report: AgentsReport | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)
    """By step: the element whose form is shown."""
    edition: int = 0
    """Of the step; grows with each change that was carried out there: its forms begin anew."""


def done(setup: SiteSetup) -> set[str]:
    """Steps that have what a shift needs."""
    held = {
        "site": setup.name != "New site",
        "trunk": bool(setup.trunks),
        "never-dial": setup.never_dial_at is not None,
        "message": bool(setup.prompts),
        "agents": bool(setup.agents),
        "phones": any(agent.has_phone_file for agent in setup.agents),
        "campaign": any(campaign.information_message for campaign in setup.campaigns),
    }
    return {step for step, is_done in held.items() if is_done}


def blocks(step: str, shown: Shown) -> tuple[str, list[Block]]:
    """(what the step is for, its blocks)."""
    return _STEPS[step](shown)


def _site(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    fields = [
        _text("name", "Name", setup.name, required=True, hint="Shown on the wallboard."),
        _text("time_zone", "Time zone", setup.time_zone, required=True, hint="Such as Europe/London."),
        _text(
            "country", "Country", setup.country, required=True, hint="Two letters; of numbers without a country code."
        ),
    ]
    return "Who you are, and by whose clock the rules count a day.", [
        _form("site", "Site", fields, (("site", "Save the site", True),), shown)
    ]


def _trunk(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    trunk = next((each for each in setup.trunks if each.name == shown.chosen.get("trunk", _first(setup.trunks))), None)
    own = trunk or TrunkSetup("", "", None, "auto", "", False, True, "", 30, 5.0)
    fields = [
        _text("name", "Trunk name", own.name, required=True, hint="Campaigns refer to it by this name."),
        _text("host", "Host", own.host, required=True, hint="The carrier's SIP proxy."),
        _text(
            "port",
            "Port",
            "" if own.port is None else str(own.port),
            type_="number",
            hint="Only where the carrier gave one.",
        ),
        _select(
            "transport",
            "Transport",
            own.transport,
            [
                (each, each.upper() if each != "auto" else "As the carrier's DNS says")
                for each in ("auto", "udp", "tcp", "tls")
            ],
        ),
        _text("username", "User name", own.username),
        _text(
            "password",
            "Password",
            "",
            type_="password",
            placeholder="unchanged" if own.has_password else "",
            hint="Kept in a file of its own, and never shown.",
        ),
        {"name": "register", "label": "Register with the carrier", "type": "checkbox", "value": own.register},
        _text("caller_id", "Caller id", own.caller_id, hint="In the form +442079460123; it must take calls back."),
        _text("channels", "Channels", str(own.channels), type_="number", hint="Calls at a time."),
        _text("calls_per_second", "Calls per second", f"{own.calls_per_second:g}", type_="number"),
    ]
    lights = [_light(view.name, LIGHTS.get(view.state, "alert"), view.state) for view in shown.trunks]
    waiting = [each for each in setup.waiting if each.startswith("[[trunks]] ")]
    lights += [_light(each.removeprefix("[[trunks]] "), "idle", "not in force yet") for each in waiting]
    if waiting:
        lights.append(_form("apply", "Trunks that wait", [], (("apply", "Try again now", False),), shown))
    found = [*lights, _form("trunk", "Trunk", fields, (("trunk", "Save the trunk", True),), shown)]
    if setup.trunks:
        rows = [
            (each.name, (each.name, each.host), (("choose-trunk", "Change"), ("remove-trunk", "Remove")))
            for each in setup.trunks
        ]
        found.append(_table("Trunks", ("Name", "Host", ""), rows))
        found.append(_choose_new("trunk", "Another trunk", shown))
    if shown.trunks:
        call = [
            _select("trunk", "Over", shown.trunks[0].name, [(each.name, each.name) for each in shown.trunks]),
            _text(
                "number", "Number to call", "", required=True, hint="Your own. It hears three tones, and is recorded."
            ),
        ]
        found.append(_form("test-call", "Test call", call, (("test-call", "Make a test call", False),), shown))
    if shown.test_call is not None:
        state, reason = shown.test_call.state, shown.test_call.reason
        tone = {"ended": "ready", "answered": "busy", "failed": "alert"}.get(state, "wrap")
        found.append(_light(f"Test call over {shown.test_call.trunk}. {reason}", tone, state))
    return (
        "The carrier that takes your calls to the telephone network. What you save is in force at once; a trunk that "
        "carries a call waits until the call is over.",
        found,
    )


def _never_dial(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    at = setup.never_dial_at
    state = (
        "There is no list yet: nothing is dialled without one."
        if at is None
        else (f"{setup.never_dial_entries:,} entries, imported on {at:%Y-%m-%d %H:%M} UTC.")
    )
    upload = _upload("never-dial-file", "File of numbers (CSV)", ".csv,text/csv,text/plain")
    return "Victims, witnesses, staff, courts: whom no call may reach. Keyed hashes are kept; the file is deleted.", [
        _light(state, "alert" if at is None else "ready", "missing" if at is None else "in force"),
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
            _upload("message-file", "Sound file (WAV or FLAC)", ".wav,.flac,audio/*", record=True),
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
        _upload("agents-file", "File of agents (CSV)", ".csv,text/csv"),
    ]
    buttons = [("agents-dry", "Dry run", False), ("agents", "Import the agents", True)]
    found += _taken(shown, "agents-file", buttons, AGENT_MEANINGS)
    if shown.report is not None:
        told = shown.report
        done_ = "Would be" if told.dry_run else "Were"
        text = f"{told.rows} rows. {done_} added: {told.added}; changed: {told.changed}; the same: {told.unchanged}."
        if told.left_out:
            text += f" Columns left out: {', '.join(told.left_out)}."
        found.append({"kind": "text", "key": "agents-report", "text": text})
        if told.problems:
            found.append(_list("Mistakes in the file", told.problems, "alert"))
    if shown.setup.agents:
        rows = [
            (a.id, (a.id, a.phone_username or "browser headset", a.phone_model), (("remove-agent", "Remove"),))
            for a in shown.setup.agents
        ]
        found.append(_table(f"{len(rows)} agents", ("Agent", "Phone", "Make", ""), rows))
    return "Agents log in at /agent with number and PIN. With a headset in the browser they need no phone.", found


def _phones(shown: Shown) -> tuple[str, list[Block]]:
    actions = (("phone-file", "Download"), ("phone-offer", "Let it fetch"))
    rows = [(a.id, (a.id, a.phone_model, a.phone_mac), actions) for a in shown.setup.agents if a.has_phone_file]
    found: list[Block] = [_table("Phones with a make and a MAC address", ("Agent", "Make", "MAC", ""), rows)]
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
    policies = ("predictive", "progressive", "guaranteed_agent", "preview", "manual", "ratio")
    fields = [
        _text("name", "Campaign name", own.name, required=True),
        _select("purpose", "Purpose", own.purpose, [("research", "Research"), ("marketing", "Marketing")]),
        _select("policy", "Policy", own.policy, [(each, each.replace("_", " ")) for each in policies]),
        _select("trunk", "Trunk", own.trunk, [("", "Any"), *((each.name, each.name) for each in setup.trunks)]),
        _text("caller_id", "Caller id", own.caller_id, hint="Empty: the trunk's."),
        _text("opens", "From", own.opens, type_="time", required=True, hint="The callee's local time."),
        _text("closes", "Until", own.closes, type_="time", required=True),
        _select(
            "information_message",
            "Information message",
            own.information_message,
            [("", "None: it will not start"), *((each, each) for each in setup.prompts)],
        ),
        _text(
            "visible_fields",
            "Fields that agents see",
            " ".join(own.visible_fields),
            hint="Columns of the list, with spaces between. Never the number.",
        ),
        _text("agents", "Agents", " ".join(own.agents), hint="Their ids, with spaces between; empty: all."),
    ]
    found = [_form("campaign", "Campaign", fields, (("campaign", "Save the campaign", True),), shown)]
    if campaign is not None:
        found.append(_upload("script-file", f"Script of {campaign.name} (TOML)", ".toml"))
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
            _table("Campaigns", ("Name", "Policy", "Script", ""), rows),
            _choose_new("campaign", "Another campaign", shown),
        ]
    return "What is called for, when, and as whom.", found


def _leads(shown: Shown) -> tuple[str, list[Block]]:
    campaigns = [(each.name, each.name) for each in shown.setup.campaigns]
    if not campaigns:
        return "Whom to call.", [{"kind": "text", "key": "none", "text": "Make a campaign first."}]
    first = [_select("campaign", "Campaign", campaigns[0][0], campaigns)]
    buttons = [("leads-dry", "Dry run", False), ("leads", "Import the leads", True)]
    return "Whom to call. Numbers, names and addresses are encrypted as they come in; the file is deleted.", [
        _upload("leads-file", "File of leads (CSV)", ".csv,text/csv"),
        *_taken(shown, "leads-file", buttons, LEAD_MEANINGS, first),
        *_job_blocks(shown, "leads"),
    ]


def _start(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    found: list[Block] = []
    if setup.waiting:
        found += [
            {"kind": "text", "key": "waits", "text": "In the file, and not in force before a restart:"},
            _list("What waits for a restart", setup.waiting),
        ]
    else:
        found.append({"kind": "text", "key": "waits", "text": "All that is in the file is in force."})
    if setup.warnings:
        found += [
            {"kind": "text", "key": "says", "text": "softswitch check says:"},
            _list("What the check says", setup.warnings),
        ]
    found.append(_form("restart", "Restart", [], (("restart", "Restart now", True),), shown))
    return (
        "A restart takes a few seconds, is refused while calls are up, and ends everybody's log-in. Then open the "
        "wallboard: a supervisor must be present before anything is dialled.",
        found,
    )


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
    found = [_light(f"{job.what}{of}. {job.error}", tone, job.state)]
    if job.figures:
        found.append(_list("Figures", [f"{name.replace('_', ' ')}: {count:,}" for name, count in job.figures.items()]))
    if job.problems:
        found.append(_list("Rows that could not be taken as they are", job.problems, "alert"))
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
        by_name = [("", "By its name"), *((name, name) for name in file.columns if name)]
        fields += [_select(f"column-{each}", f"Column: {each}", "", by_name) for each in meanings]
    form = _form(buttons[-1][0], "Uploaded file", fields, buttons, shown)
    form["key"] += file.upload_ref
    return [{"kind": "text", "key": upload + "-name", "text": f"{file.name}, {file.size:,} bytes."}, form]


def _form(
    what: str, title: str, fields: Sequence[Block], buttons: Sequence[tuple[str, str, bool]], shown: Shown
) -> Block:
    key = f"{what}-{shown.edition}-{shown.chosen.get(what, '')}"
    return {"kind": "form", "key": key, "id": what, "title": title, "fields": list(fields), "buttons": list(buttons)}


def _text(
    name: str,
    label: str,
    value: str,
    *,
    type_: str = "text",
    required: bool = False,
    hint: str = "",
    placeholder: str = "",
) -> Block:
    return {
        "name": name,
        "label": label,
        "value": value,
        "type": type_,
        "required": required,
        "hint": hint,
        "placeholder": placeholder,
    }


def _select(name: str, label: str, value: str, choices: Sequence[tuple[str, str]]) -> Block:
    return {"name": name, "label": label, "value": value, "type": "select", "choices": list(choices)}


def _upload(block: str, label: str, accept: str, *, record: bool = False) -> Block:
    return {"kind": "upload", "key": block, "id": block, "label": label, "accept": accept, "record": record}


def _light(text: str, tone: str, word: str) -> Block:
    return {"kind": "light", "key": f"light-{text[:40]}", "text": text, "tone": tone, "word": word}


def _list(title: str, items: Sequence[str], tone: str = "") -> Block:
    return {"kind": "list", "key": title, "title": title, "items": list(items), "tone": tone}


def _table(caption: str, head: Sequence[str], rows: Sequence[tuple[str, Sequence[str], Any]]) -> Block:
    told = [{"id": name, "cells": list(cells), "actions": list(actions)} for name, cells, actions in rows]
    return {"kind": "table", "key": caption, "caption": caption, "head": list(head), "rows": told}


def _choose_new(step: str, text: str, shown: Shown) -> Block:
    return _form(f"new-{step}", text, [], ((f"new-{step}", text, False),), shown)


def _first(elements: Sequence[Any]) -> str:
    return str(elements[0].name) if elements else NEW
