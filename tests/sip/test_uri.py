"""URIs: reading, writing and the equality of RFC 3261 §19.1.4."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.errors import PeerError
from softswitch.sip.uri import Uri

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no verdict on a busy machine


def test_a_uri_comes_apart() -> None:
    uri = Uri.parse("SIPS:alice:secret@[2001:DB8::1]:5061;transport=TCP;lr?Subject=x")
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == (
        "sips",
        "alice",
        "secret",
        "[2001:DB8::1]",
        5061,
    )
    assert (dict(uri.params), uri.headers, uri.address) == (
        {"transport": "TCP", "lr": None},
        "Subject=x",
        "2001:DB8::1",
    )


def test_a_telephone_number_is_its_user_part() -> None:
    uri = Uri.parse("tel:+44-20-7946-0123;phone-context=example.com")
    assert (uri.scheme, uri.user, uri.host) == ("tel", "+44-20-7946-0123", "")
    assert uri == Uri.parse("tel:+442079460123;phone-context=example.com")
    assert str(uri) == "tel:+44-20-7946-0123;phone-context=example.com"


# The examples of RFC 3261 §19.1.4
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_these_are_the_same(one: str, other: str) -> None:
    assert Uri.parse(one) == Uri.parse(other)
    assert hash(Uri.parse(one)) == hash(Uri.parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:a;b@x", "sip:a%3Bb@x"),
    ],
)
def test_these_are_not(one: str, other: str) -> None:
    assert Uri.parse(one) != Uri.parse(other)


@pytest.mark.parametrize(
    "text",
    [
        "", "sip", "sip:", "sip:@host", "sip:a@", "sip:a@b@c", "sip:a b@c", "sip:a@b c", "sip:a@b;", "sip:a@b;;lr",
        "sip:a@b;lr;lr", "sip:a@b:", "sip:a@b:0", "sip:a@b:65536", "sip:a@b:x", "sip:2001:db8::10", "sip:[.1]",
        "sip:[::1", "sip:100@.1", "sip:a@b..c", "sip:a%4@b", "sip:a%zz@b", "sip:a@b?", "sip:a@b\r\nVia: x",
        "sip:a\0@b", "<sip:a@b>", "tel:", "tel:call me", "tel:12;x=%72@y", "tel:12;", "1x:y", ":x", "sip:" + "a" * 256,
    ],
)  # fmt: skip
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(PeerError) as refused:
        Uri.parse(text)
    assert refused.value.status == 400


def test_a_uri_built_from_foreign_text_cannot_break_the_line() -> None:
    uri = Uri("sip", "evil\r\nVia: x <y>@z", "host", params={"p": "a b\n"})
    assert str(uri) == "sip:evil%0D%0AVia:%20x%20%3Cy%3E%40z@host;p=a%20b%0A"


def test_an_address_of_record_has_no_parameters() -> None:
    assert str(Uri.parse("sip:7@h:5070;lr?x=y").without_params()) == "sip:7@h:5070"


hosts = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z][a-z0-9]{0,5})?", fullmatch=True) | st.ip_addresses(
    v=4
).map(str) | st.ip_addresses(v=6).map(lambda address: f"[{address}]")  # fmt: skip
uris = st.builds(
    Uri,
    scheme=st.sampled_from(["sip", "sips"]),
    user=st.from_regex(r"[A-Za-z0-9+_.;?/&=$,!~*'()-]{0,12}", fullmatch=True),
    host=hosts,
    port=st.none() | st.integers(1, 65535),
    params=st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.none() | st.from_regex(r"[A-Za-z0-9.%]{0,8}", fullmatch=True)
    ).map(lambda params: {name: value and value.replace("%", "") for name, value in params.items()}),
    headers=st.from_regex(r"([a-z]{1,5}=[a-z]{0,5})?", fullmatch=True),
    password=st.none(),
    opaque=st.just(""),
)


@patient
@given(uris)
def test_every_uri_reads_back_as_it_was_written(uri: Uri) -> None:
    again = Uri.parse(str(uri))
    assert again == uri
    assert str(again) == str(uri)


@patient
@given(st.text(max_size=60).map(lambda text: f"sip:{text}") | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        uri = Uri.parse(text)
    except PeerError:
        return
    assert Uri.parse(str(uri)) == uri


@patient
@given(st.text(max_size=30))
def test_any_user_part_survives_being_written(user: str) -> None:
    uri = Uri("sip", user, "host.example")
    written = str(uri)
    assert "\r" not in written
    assert "\n" not in written
    assert written.isprintable() or not user.isprintable()


@pytest.mark.parametrize("text", ["mailto:agent@example.com", "http://a:b@example.com/%7e%?x=y", "x:%zz"])
def test_a_uri_of_another_scheme_is_written_as_it_came(text: str) -> None:
    assert str(Uri.parse(text)) == text
    assert Uri.parse(str(Uri.parse(text))) == Uri.parse(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("tel:+44-20-7946.0999", "+442079460999"),
        ("tel:+442079460999;npdi;rn=+4412", "+442079460999"),
        ("sip:+442079460999;npdi;rn=+4412@192.0.2.1;user=phone", "+442079460999"),
        ("sip:%2B44(20)79460999@192.0.2.1", "+442079460999"),
        ("sip:020-7946-0999;phone-context=+44@192.0.2.1;user=phone", "02079460999"),
        ("sip:anne-marie.(x)@192.0.2.1", "anne-marie.(x)"),
        ("sip:login@192.0.2.1", "login"),
    ],
)
def test_a_number_is_the_same_however_it_is_written(text: str, number: str) -> None:
    assert Uri.parse(text).number == number
