"""When the media plane counts as overloaded, and when no longer."""

from softswitch.safeguards.media_load import CALM_S, MediaLoad

LOOK_S = 0.05


class Plane:
    """A load that is looked at, and how long its plane has been behind altogether."""

    def __init__(self):
        self.load, self.now, self.behind_s, self.reason = MediaLoad(), 100.0, 3.0, ""

    def pass_time(self, seconds, share=0.0):
        """Look on for so long, while the plane is behind for a share of it; the reasons given."""
        reasons = set()
        for _ in range(round(seconds / LOOK_S)):
            self.now += LOOK_S
            self.behind_s += share * LOOK_S
            self.reason = self.load.look(self.behind_s, self.now)
            reasons.add(bool(self.reason))
        return reasons


def test_a_plane_that_keeps_up_is_not_overloaded():
    assert Plane().pass_time(10.0) == {False}


def test_what_was_behind_before_the_first_look_does_not_count():
    assert Plane().load.look(3600.0, 1.0) == ""


def test_a_plane_that_is_behind_all_the_time_is_overloaded_within_two_seconds_and_says_why():
    plane = Plane()
    plane.pass_time(2.0, share=0.9)
    assert "does not keep up" in plane.reason


def test_one_hitch_of_the_machine_is_no_overload_however_long():
    plane = Plane()
    plane.pass_time(3.0)
    plane.behind_s += 10.0
    assert plane.pass_time(10.0) == {False}


def test_a_little_behind_is_no_overload():
    assert Plane().pass_time(10.0, share=0.3) == {False}


def test_an_overload_is_over_only_when_the_plane_has_kept_up_for_a_while():
    plane = Plane()
    plane.pass_time(3.0, share=1.0)
    assert plane.pass_time(CALM_S - 0.5) == {True}
    plane.pass_time(0.5, share=1.0)
    assert plane.pass_time(CALM_S) == {True}, "it was behind again, so the time begins anew"
    plane.pass_time(3.0)
    assert plane.reason == ""


def test_a_new_plane_begins_anew():
    plane = Plane()
    plane.pass_time(1.0, share=0.4)
    plane.behind_s = 0.0
    assert plane.pass_time(5.0) == {False}
