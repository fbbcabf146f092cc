"""The administrator's steps of who works here: agents from a file, and their phones."""

from softswitch.web.admin_blocks import Block, Shown, list_block, table_block, taken_blocks, upload_block, words_block

AGENT_MEANINGS = ("id", "pin", "phone_username", "phone_mac", "phone_model")


def agents_step(shown: Shown) -> tuple[str, list[Block]]:
    found: list[Block] = [
        words_block(
            "columns",
            "One row for each agent. Columns: id, pin (6 to 12 digits), "
            "phone_username, phone_mac, phone_model (yealink, snom, grandstream, linphone). Names are left out.",
        ),
        upload_block("agents-file", "File of agents (CSV)", ".csv,text/csv"),
    ]
    buttons = [("agents-dry", "Dry run", False), ("agents", "Import the agents", True)]
    found += taken_blocks(shown, "agents-file", buttons, AGENT_MEANINGS)
    if shown.report is not None:
        told = shown.report
        added = "Would be added" if told.dry_run else "Added"
        read = "1 row" if told.rows == 1 else f"{told.rows} rows"
        text = f"{read}. {added}: {told.added}; changed: {told.changed}; the same: {told.unchanged}."
        if told.left_out:
            text += f" Columns left out: {', '.join(told.left_out)}."
        found.append(words_block("agents-report", text))
        if told.problems:
            found.append(list_block("Mistakes in the file", told.problems, "alert"))
    if shown.setup.agents:
        rows = [
            (a.id, (a.id, a.phone_username or "browser headset", a.phone_model), (("remove-agent", "Remove"),))
            for a in shown.setup.agents
        ]
        found.append(table_block(f"{len(rows)} agents", ("Agent", "Phone", "Make", ""), rows))
    return "Agents log in at /agent with number and PIN. With a headset in the browser they need no phone.", found


def phones_step(shown: Shown) -> tuple[str, list[Block]]:
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
            words_block(
                "none",
                "No agent has a phone with phone_mac and phone_model: give them in "
                "the file of agents. Agents with a browser headset need none.",
            )
        ]
    return (
        "The file that a phone takes its account from. It holds the phone's password: give it to the phone alone. Or "
        "let the phone fetch it once, within an hour, from the agents' network.",
        found,
    )
