"""The keys by which a message finds its transaction."""

from softswitch.sip.matching import client_key, merged_key, server_key
from softswitch.sip.message import Request, response_to
from softswitch.sip.uri import Uri


def request(method: str, *, branch: str = "z9hG4bK1", to_tag: str = "", cseq: int = 1) -> Request:
    made = Request(method, Uri.parse("sip:bob@192.0.2.9"))
    for name, value in [
        ("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch}"),
        ("From", "<sip:alice@192.0.2.1>;tag=a"),
        ("To", "<sip:bob@192.0.2.9>" + (f";tag={to_tag}" if to_tag else "")),
        ("Call-ID", "call-1"),
        ("CSeq", f"{cseq} {method}"),
    ]:
        made.headers.add(name, value)
    return made


def test_a_response_is_matched_by_branch_and_method() -> None:
    assert client_key(response_to(request("BYE"), 200)) == client_key(request("BYE"))
    assert client_key(response_to(request("CANCEL"), 200)) != client_key(request("INVITE"))


def test_an_ack_and_a_cancel_are_matched_to_their_invite() -> None:
    invite = request("INVITE")
    assert server_key(request("ACK", to_tag="b")) == server_key(invite)
    assert server_key(request("CANCEL"), "INVITE") == server_key(invite)
    assert server_key(request("CANCEL")) != server_key(invite)


def test_an_rfc_2543_branch_is_matched_by_all_else() -> None:
    invite = request("INVITE", branch="1")
    assert server_key(request("INVITE", branch="1")) == server_key(invite)
    assert server_key(request("ACK", branch="1", to_tag="b")) == server_key(invite)
    assert server_key(request("INVITE", branch="1", cseq=2)) != server_key(invite)


def test_a_request_that_came_another_way_has_another_branch_and_the_same_merged_key() -> None:
    other_way = request("INVITE", branch="z9hG4bK2")
    assert server_key(other_way) != server_key(request("INVITE"))
    assert merged_key(other_way) == merged_key(request("INVITE"))
    assert merged_key(request("INVITE", to_tag="b")) is None
