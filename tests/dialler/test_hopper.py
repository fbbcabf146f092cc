from softswitch.dialler.hopper import Hopper
from tests.dialler.desk import lead


def test_a_number_is_held_once_and_can_come_back_when_it_was_taken():
    hopper = Hopper()
    assert hopper.add(lead(1))
    assert not hopper.add(lead(1))
    assert not hopper.add(lead(1, lead_ref="another"))
    assert hopper.take() == lead(1)
    assert hopper.add(lead(1))


def test_leads_of_one_rank_come_out_in_the_order_in_which_they_came():
    hopper = Hopper()
    for index in (3, 1, 2):
        hopper.add(lead(index))
    assert [hopper.take() for _ in range(4)] == [lead(3), lead(1), lead(2), None]


def test_a_number_can_be_taken_out_of_the_middle():
    hopper = Hopper()
    for index in range(5):
        hopper.add(lead(index))
    assert hopper.remove(lead(2).number) == lead(2)
    assert hopper.remove(lead(2).number) is None
    assert [taken.lead_ref for taken in iter(hopper.take, None)] == ["lead0", "lead1", "lead3", "lead4"]
