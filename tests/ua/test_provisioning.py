"""Files for phones: each maker's own form, whatever characters an account has."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from softswitch.errors import UsageError
from softswitch.ua.provisioning import PhoneModel, PhoneProfile, Srtp, file_name, provision, read_mac

PROFILE = PhoneProfile(
    model=PhoneModel.YEALINK, mac="001565123456", label="1001", username="phone1001", password='p<"&>w',
    host="192.0.2.10", port=5060,
)  # fmt: skip


@pytest.mark.parametrize("text", ["00:15:65:12:34:56", "00-15-65-12-34-56", "0015.6512.3456", " 001565123456 "])
def test_a_mac_address_is_read_however_it_is_written(text: str) -> None:
    assert read_mac(text) == "001565123456"


@pytest.mark.parametrize("text", ["", "00156512345", "00156512345g", "01:00:5e:00:00:01", "../../../etc/pw", "ff" * 6])
def test_what_is_no_mac_address_of_a_phone_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_mac(text)


def yealink(profile: PhoneProfile) -> dict[str, str]:
    first, *lines = provision(profile).content.splitlines()
    assert first == "#!version:1.0.0.1"
    return dict(line.split(" = ", 1) for line in lines)


def test_a_yealink_gets_one_account_with_g711_alone_and_no_silence_suppression() -> None:
    told = yealink(PROFILE)
    assert (told["account.1.user_name"], told["account.1.password"]) == ("phone1001", 'p<"&>w')
    assert (told["account.1.sip_server.1.address"], told["account.1.sip_server.1.port"]) == ("192.0.2.10", "5060")
    assert told["account.1.sip_server.1.transport_type"] == "0"
    assert [told[f"account.1.codec.{name}.enable"] for name in ("pcma", "pcmu", "g722")] == ["1", "1", "0"]
    assert told["voice.vad"] == "0"
    assert told["account.1.srtp_encryption"] == "0"
    secure = yealink(replace(PROFILE, transport="tls", srtp=Srtp.REQUIRED))
    assert (secure["account.1.sip_server.1.transport_type"], secure["account.1.srtp_encryption"]) == ("2", "2")


def test_a_snom_gets_its_settings_as_xml() -> None:
    file = provision(replace(PROFILE, model=PhoneModel.SNOM, transport="tcp", host="2001:db8::10"))
    told = {each.tag: each.text for each in ElementTree.fromstring(file.content)[0]}
    assert (told["user_pass"], told["user_host"]) == ('p<"&>w', "2001:db8::10")
    assert told["user_outbound"] == "sip:[2001:db8::10]:5060;transport=tcp"
    assert told["silence_compression"] == "off"
    assert file.name == "001565123456.xml"


def test_a_grandstream_gets_its_p_values_as_xml() -> None:
    file = provision(replace(PROFILE, model=PhoneModel.GRANDSTREAM))
    root = ElementTree.fromstring(file.content)
    told = {each.tag: each.text for each in root.find("config")}
    assert root.findtext("mac") == "001565123456"
    assert (told["P47"], told["P35"], told["P36"], told["P34"]) == (
        *("192.0.2.10:5060", "phone1001", "phone1001"),
        'p<"&>w',
    )
    assert told["P50"] == "0"
    assert file.name == "cfg001565123456.xml"


def test_a_linphone_gets_its_sections_as_xml() -> None:
    file = provision(replace(PROFILE, model=PhoneModel.LINPHONE, transport="tls", srtp=Srtp.OPTIONAL))
    name = "{http://www.linphone.org/xsds/lpconfig.xsd}"
    told = {
        (section.get("name"), entry.get("name")): entry.text
        for section in ElementTree.fromstring(file.content).iter(f"{name}section")
        for entry in section
    }
    assert told["proxy_0", "reg_proxy"] == "<sip:192.0.2.10:5060;transport=tls>"
    assert told["proxy_0", "reg_identity"] == '"1001" <sip:phone1001@192.0.2.10>'
    assert told["auth_info_0", "passwd"] == 'p<"&>w'
    assert told["sip", "media_encryption"] == "srtp"


@pytest.mark.parametrize("model", PhoneModel)
def test_no_value_begins_a_line_of_its_own(model: PhoneModel) -> None:
    for bad in ("a\nvoice.vad = 1", "a\x00", ""):
        with pytest.raises(UsageError):
            provision(replace(PROFILE, model=model, label=bad))
        with pytest.raises(UsageError):
            provision(replace(PROFILE, model=model, password=bad))
    with pytest.raises(UsageError):
        provision(replace(PROFILE, model=model, transport="sctp"))
    assert "001565123456" in file_name(model, "001565123456")
