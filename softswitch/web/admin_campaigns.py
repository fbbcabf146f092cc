"""The administrator's steps of what is called for: campaigns, and whom they call."""

from softswitch.safeguards.site_setup import CampaignSetup
from softswitch.web.admin_blocks import (
    Block,
    Shown,
    form_block,
    job_blocks,
    name_of_first,
    new_button,
    select_field,
    table_block,
    taken_blocks,
    text_field,
    upload_block,
    words_block,
)

MESSAGE = "who_called"
"""Name of the information message that the page takes in."""
LEAD_MEANINGS = ("number", "country", "time_zone", "first_name", "last_name", "priority")
POLICIES = ("predictive", "progressive", "guaranteed_agent", "preview", "manual", "ratio")
POLICY_HINT = "Predictive dials ahead of agents; progressive waits for one; guaranteed agent keeps one for each call."


def campaign_step(shown: Shown) -> tuple[str, list[Block]]:
    setup = shown.setup
    chosen = shown.chosen.get("campaign", name_of_first(setup.campaigns))
    campaign = next((each for each in setup.campaigns if each.name == chosen), None)
    message = MESSAGE if MESSAGE in setup.prompts else ""
    own = campaign or CampaignSetup(
        "", "research", "predictive", name_of_first(setup.trunks), "", "09:00", "20:00", message, (), (), ""
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
        found += taken_blocks(shown, "script-file", [("script", "Use this script", True)], ())
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


def leads_step(shown: Shown) -> tuple[str, list[Block]]:
    campaigns = [(each.name, each.name) for each in shown.setup.campaigns]
    if not campaigns:
        return "Whom to call.", [words_block("none", "Make a campaign first.")]
    first = [select_field("campaign", "Campaign", campaigns[0][0], campaigns)]
    buttons = [("leads-dry", "Dry run", False), ("leads", "Import the leads", True)]
    return "Whom to call. Numbers, names and addresses are encrypted as they come in; the file is deleted.", [
        *(words_block(f"leads-{name}", _leads_of(name, shown.leads.get(name))) for name, _ in campaigns),
        words_block(
            "form",
            "One row for each lead. Columns: number; country, time_zone and priority where there are such. Any other "
            "column is kept with the lead, and agents see it where the campaign names it.",
        ),
        upload_block("leads-file", "File of leads (CSV)", ".csv,text/csv"),
        *taken_blocks(shown, "leads-file", buttons, LEAD_MEANINGS, first),
        *job_blocks(shown, "leads"),
    ]


def _leads_of(campaign: str, counted: tuple[int, int] | None) -> str:
    """counted: leads that may still be called, and all; None while the campaign is not in force."""
    if counted is None:
        return f"{campaign}: its leads are counted once it is in force, after a restart."
    left, total = counted
    return f"{campaign}: {total:,} leads, {left:,} still to be called." if total else f"{campaign}: no leads yet."
