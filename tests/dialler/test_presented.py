"""Which caller id a number sees."""

from collections import Counter

from softswitch.dialler.campaign import Campaign
from softswitch.dialler.presented import caller_id_for, caller_ids_of

IDS = tuple(f"+44207946010{n}" for n in range(5))
NUMBERS = [f"+441632960{n:03}" for n in range(1000)]


def seen(ids: tuple[str, ...]) -> dict[str, str]:
    campaign = Campaign("c", caller_ids=ids)
    return {number: caller_id_for(campaign, number) for number in NUMBERS}


def test_a_number_sees_the_same_caller_id_each_time() -> None:
    assert seen(IDS) == seen(tuple(reversed(IDS)))


def test_numbers_fall_to_the_caller_ids_evenly() -> None:
    shares = Counter(seen(IDS).values())
    assert set(shares) == set(IDS)
    assert max(shares.values()) < 1.3 * min(shares.values())


def test_a_caller_id_that_is_taken_off_moves_only_its_own_numbers() -> None:
    before, after = seen(IDS), seen(IDS[1:])
    assert all(after[number] == caller for number, caller in before.items() if caller != IDS[0])


def test_one_caller_id_needs_no_choice() -> None:
    assert caller_id_for(Campaign("c", caller_id=IDS[0]), "+441632960001") == IDS[0]
    assert caller_id_for(Campaign("c"), "+441632960001") == ""
    assert caller_ids_of(Campaign("c", caller_id=IDS[0], caller_ids=IDS[1:])) == IDS[1:]
