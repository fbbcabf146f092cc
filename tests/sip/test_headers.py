"""The header multimap."""

import pytest

from softswitch.errors import PeerError, UsageError
from softswitch.sip.headers import COMPACT, Headers, canonical_name


@pytest.mark.parametrize(("compact", "name"), COMPACT.items())
def test_compact_names_mean_their_long_forms_in_either_case(compact: str, name: str) -> None:
    headers = Headers([(compact, "x")])
    assert headers.get(name) == headers.get(name.upper()) == headers.get(compact.upper()) == "x"


def test_an_unknown_name_keeps_one_spelling() -> None:
    assert canonical_name("x-FOO-bar") == canonical_name("X-Foo-Bar \t") == "X-Foo-Bar"


@pytest.mark.parametrize("name", ["", "a b", "a\0", "ä", "a:b"])
def test_what_is_no_token_is_no_name(name: str) -> None:
    with pytest.raises(PeerError):
        canonical_name(name)
    with pytest.raises(UsageError):
        Headers([(name, "x")])


def test_values_keep_their_order_whether_on_one_line_or_several() -> None:
    headers = Headers([("Route", '<sip:a,b>, "x, \\" y" <sip:c>'), ("Subject", "a, b"), ("Route", "<sip:d>")])
    assert headers.get_all("route") == ["<sip:a,b>", '"x, \\" y" <sip:c>', "<sip:d>"]
    assert headers.get_all("Subject") == ["a, b"]
    assert len(headers) == 3


def test_an_option_tag_is_known_in_any_case_and_on_any_line() -> None:
    headers = Headers([("Supported", "timer, 100Rel"), ("Supported", "replaces")])
    assert headers.has("k", "100rel")
    assert headers.has("Supported", "replaces")
    assert not headers.has("Supported", "rel")
    assert not headers.has("Require", "timer")


def test_headers_are_added_set_put_in_front_replaced_and_removed() -> None:
    headers = Headers()
    headers.add("Via", "b, c")
    headers.prepend("v", "a")
    assert headers.get_all("Via") == ["a", "b", "c"]
    headers.remove("V")
    assert "via" not in headers
    headers.add("Via", "b, c")
    headers.replace_first("Via", "x")
    assert headers.get_all("Via") == ["x", "c"]
    headers.set("Via", "y")
    assert list(headers.items()) == [("Via", "y")]
    assert headers.get("To") is None
    assert headers.get_all("To") == []
    headers.remove("To")


def test_values_do_not_appear_in_tracebacks() -> None:
    assert "secret" not in repr(Headers([("Subject", "secret")]))


def test_a_list_that_does_not_come_apart_is_one_value() -> None:
    assert Headers([("Require", '100rel, "timer'), ("Require", "x")]).get_all("Require") == ['100rel, "timer', "x"]
