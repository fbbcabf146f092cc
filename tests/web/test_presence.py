from small_site import SmallSwitch

from softswitch.web.presence import Presence


def test_one_person_with_two_tabs_is_there_once_and_leaves_with_the_last() -> None:
    switch = SmallSwitch()
    presence = Presence(switch)
    presence.receive_opened("sue", "tab-1")
    presence.receive_opened("sue", "tab-2")
    presence.receive_opened("sue", "tab-2")  # a socket that came back
    assert switch.present == ["sue"]
    presence.receive_closed("sue", "tab-1")
    presence.receive_closed("sue", "tab-1")
    assert switch.present == ["sue"]
    presence.receive_closed("sue", "tab-2")
    assert switch.present == []
    assert "sue" not in presence


def test_nobody_is_there_when_the_web_has_stopped() -> None:
    switch = SmallSwitch()
    presence = Presence(switch)
    presence.receive_opened("sue", "tab-1")
    presence.receive_opened("ada", "tab-2")
    presence.receive_all_closed()
    assert switch.present == []
    presence.receive_closed("sue", "tab-1")
    assert switch.present == []
