"""Which of a campaign's caller ids a number sees: always the same one, so that whoever rings back is known for it."""

from hashlib import blake2s

from softswitch.dialler.campaign import Campaign


def caller_ids_of(campaign: Campaign) -> tuple[str, ...]:
    """All that it presents: its list, or its one."""
    return campaign.caller_ids or ((campaign.caller_id,) if campaign.caller_id else ())


def caller_id_for(campaign: Campaign, number: str) -> str:
    """What a number sees in every attempt, whoever makes it and in whichever order; empty where there is none.

    Numbers fall to the ids evenly. An id that is taken off the list moves only those numbers that saw it, and a new one
    takes its share from all (rendezvous hashing).
    """
    known = caller_ids_of(campaign)
    if len(known) < 2:
        return known[0] if known else ""
    return max(known, key=lambda caller_id: blake2s(f"{caller_id} {number}".encode(), digest_size=8).digest())
