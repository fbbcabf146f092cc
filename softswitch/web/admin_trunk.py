"""The administrator's step of the trunk: its form, its light, and a test call."""

from softswitch.safeguards.site_setup import TrunkSetup
from softswitch.safeguards.trunk_words import words_of
from softswitch.safeguards.wallboard import TrunkView
from softswitch.web.admin_blocks import (
    Block,
    Shown,
    form_block,
    light_block,
    name_of_first,
    new_button,
    select_field,
    table_block,
    text_field,
)


def trunk_step(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    found = [*_lights(shown), form_block("trunk", "Trunk", _fields(shown), (("trunk", "Save the trunk", True),), shown)]
    if setup.trunks:
        rows = [
            (each.name, (each.name, each.host), (("choose-trunk", "Change"), ("remove-trunk", "Remove")))
            for each in setup.trunks
        ]
        found.append(table_block("Trunks", ("Name", "Host", ""), rows))
        found.append(new_button("trunk", "Another trunk", shown))
    found += _test_call(shown)
    return (
        "The carrier that takes your calls to the telephone network. What you save is in force at once; a trunk that "
        "carries a call waits until the call is over.",
        found,
    )


def _fields(shown: Shown) -> list[Block]:
    setup = shown.setup
    trunk = next(
        (each for each in setup.trunks if each.name == shown.chosen.get("trunk", name_of_first(setup.trunks))), None
    )
    own = trunk or TrunkSetup("", "", None, "auto", "", False, True, "", 30, 5.0)
    return [
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


def _lights(shown: Shown) -> list[Block]:
    """How each trunk in force is, and which ones wait."""
    lights = [_light(view) for view in shown.trunks]
    waiting = [each for each in shown.setup.waiting if each.startswith("[[trunks]] ")]
    lights += [light_block(each.removeprefix("[[trunks]] "), "idle", "not in force yet") for each in waiting]
    if waiting:
        lights.append(form_block("apply", "Trunks that wait", [], (("apply", "Try again now", False),), shown))
    return lights


def _light(view: TrunkView) -> Block:
    words = words_of(view.state, view.refusal)
    return light_block(f"{view.name}: {words.long}", words.tone, words.short)


def _test_call(shown: Shown) -> list[Block]:
    """The form for one, and what came of the last."""
    found: list[Block] = []
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
    return found
