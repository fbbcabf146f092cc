"""What no answer may hold, however it is written; and that ordinary answers pass."""

import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.survey.number_words import NUMBERS
from softswitch.survey.private_details import Detail, found_in, iban_checks, luhn

TELEPHONES = """07700 900123|oh seven seven double four nine zero zero one two three|+44 (0)20-7946-0123|020.7946.0123
0 7 7 0 0 9 0 0 1 2 3|zero seven seven, double oh, nine double oh one two three|o77oo 9oo123|０７７００９００１２３
٠٧٧٠٠٩٠٠١٢٣|077\u200b00900123|seventy seven hundred nine hundred one two three|sevensevenzerozeroninezeroone
my number is 0207 then 946 then 0123|call 946 0123|treble two four five six seven eight|Reading 0118 496
oh 7 7 oh oh 9 oh oh one 2 three|double-oh-seven-seven 946 01|07 70 09 00 12 3|077/009/001/23|0.7.7.0.0.9.0.0.1.2.3
①②③④⑤⑥⑦|〇七七〇〇九〇〇一二三
oh seven seven double four|zero seven seven hundred nine hundred""".replace("\n", "|").split("|")
GLUED = """o7seven7 nine double oh one two three|ring o7seven7 nine4six0|0seven7seven9four6|it is 7seven7o0nine4six0
0x7x7x0x0x9x0|call b7700900123b""".replace("\n", "|").split("|")
OTHER_LANGUAGES = """null sieben sieben null null neun null eins|zwo acht null eins zwei drei vier
nulleinssiebenzweidreineunacht|0176 dreiundzwanzig vierundfünfzig siebzig|fünf, sechs, sieben, acht, neun, eins, zwei
zéro six douze trente-quatre cinquante-six soixante-dix-huit|zero sept sept zero zero neuf
cero nueve uno dos tres cuatro|seis dos tres cuatro cinco seis siete
seiscientos no, seis uno dos 34 56 siete|zero tre due otto uno sei
trentatré quarantadue cinquanta sessantuno, zero due|nove meia dois três quatro cinco seis|nul zes een twee drie vier
nul zes drieentwintig vijfenveertig|zero pięć zero jeden dwa trzy|dim saith saith dim dim naw
oh seven sieben sieben acht neun null null""".replace("\n", "|").split("|")
POSTCODES = [
    "SW1A 1AA",
    "sw1a1aa",
    "I am in M1 1AE now",
    "s w 1 a 1 a a",
    "GIR 0AA",
    "EC1A  1BB",
    "D02 AF30",
    "K1A 0B1",
    "postcode is 10115",
    "sw1a-1aa",
    "LS6, 2BX",
    "ls six two b x",
    "it is s w one a one a a",
    "SW one A one AA, I think",
    "M sixteen 0 R A",
]
ADDRESSES = [
    "12 High Street",
    "221b Baker St",
    "flat 3, the mews",
    "twelve acacia avenue",
    "PO Box 12",
    "I live on Baker Street",
    "Hauptstraße 12",
    "12 rue de la Paix",
    "4 Oak Drive",
    "number 7 Church Lane",
    "Rose Cottage, Mill Lane",
    "my address is 5 the willows",
    "twelve acacia avenue and a garage",
]
EMAILS = [
    "john@example.com",
    "john at example dot com",
    "j.smith (at) mail.example.org",
    "@johnny",
    "www.foo.com",
    "john(at)gmail(dot)com",
    "john [at] example [dot] org",
    "john smith at hotmail",
    "johnsmith gmail com",
    "ｊohn＠gmail．com",
    "a @ b",
]
CARDS = ["4111 1111 1111 1111", "5500-0000-0000-0004", "four treble one 1111 1111 1111", "3782 822463 10005"]
ACCOUNTS = [
    "GB29 NWBK 6016 1331 9268 19",
    "DE89370400440532013000",
    "12-34-56",
    "20 30 40",
    "sort code 123456",
    "account 12345678",
    "account number 1234",
    "NL91ABNA0417164300",
    "QQ 12 34 56 C",
    "A B one two three four five six C",
    "ＧＢ２９ ＮＷＢＫ ６０１６ １３３１ ９２６８ １９",
    "G B two nine N W B K six zero one six one three three one nine two six eight one nine",
    "g b 2 9 n w b k 6 0 1 6 1 3 3 1 9 2 6 8 1 9",
]
ORDINARY = """I bought 3 cars in 2019, 4 in 2020 and 12 in 2021|In 2019 and 2020|the high street shops|The road is noisy
about 50 to 60 pounds|one two or three times a week|I have two cars and one bike for three people|150000|£1,500 a month
It costs 12.50|between 7 and 8 o'clock|24/7 support|my address book|bus number 73 and the 148|I live in a flat
on 12/05/2019|a unit of measure|I walk up the hill|between 1990 and 2005|Windows 10, Office 365|at home. Not much
meet at noon. Then rest|90% of people|M25 and A406 traffic|I take the A12 to work|Channel 4 and ITV2
one hundred and twenty|oh no, seven or eight|The place is nice|five star hotel|4 out of 5 drive a car
two people drive the car|I live near the place|COVID-19 in 2020|3 or 4 days at a time, 10 hours
<b>bold</b> & "quoted" {braces}|I do not like it at all.""".replace("\n", "|").split("|")


ORDINARY_ELSEWHERE = """Zwei oder drei Mal in der Woche|Ich habe zwei Kinder, drei Hunde und vier Katzen|um halb acht
zwischen zwanzig und dreißig Euro|seit neunzehnhundertvierundachtzig|fünfundzwanzig bis dreißig Minuten|eins bis zwei
vier, fünf oder sechs Leute|Wir sind zu dritt, eins zwei drei|im Jahr zweitausenddreizehn|zehn bis zwölf Stunden
deux ou trois fois par semaine|entre vingt et trente euros|quatre-vingt-dix-sept francs|un deux trois|une fois sur deux
il y a vingt-cinq ans|mes trois enfants ont sept, neuf et douze ans|dos o tres veces|entre veinte y treinta euros
una vez al mes|tengo cuarenta y dos años|uno, dos y tres|due o tre volte|tra venti e trenta euro|una volta al mese
ho tre figli, sette e nove anni|duas ou três vezes|entre vinte e trinta|uma vez por mês|twee of drie keer per week
tussen twintig en dertig euro|een twee drie|dwa albo trzy razy w tygodniu|od dwudziestu do trzydziestu|raz dwa trzy
dwie godziny i trzy minuty|dau neu dri|un dau tri|once or twice a week|once in 2019, once in 2021|it is due in six days
the pump was dim, six of us waited|a dozen, um, 10, um, 12 people|Sei, due, otto: I like Italian|Sept 2019 and Sept 2020
from 4 to 12 Sept 2019|E10 from pump 4, 40 litres|The Six Nations, once in 2015|mi casa, 4 personas y 2 perros
iPhone12Pro and Galaxy S21|MP3s and 4K on the 50inch TV|a PS5 and 2x4TB disks|the A38M and the M5J4a|H2O and CO2
RTX4090 with 64GB|20mins there, 30mins back|9to5 job|the 2for1 offers|7days a week|top10 of 2021""".replace(
    "\n", "|"
).split("|")


@pytest.mark.parametrize("text", TELEPHONES)
def test_a_telephone_number_is_found_in_any_grouping_and_in_words(text: str) -> None:
    assert found_in(f"well, {text}, thanks") in (Detail.TELEPHONE, Detail.CARD)


@pytest.mark.parametrize("text", [*GLUED, *OTHER_LANGUAGES])
def test_a_telephone_number_is_found_though_letters_or_other_languages_hide_it(text: str) -> None:
    assert found_in(f"well, {text}, thanks") is Detail.TELEPHONE


@pytest.mark.parametrize("language", NUMBERS)
def test_ten_digits_said_in_another_language_are_found(language: str) -> None:
    words = {digits: word for word, digits in NUMBERS[language].items() if len(digits) == 1}
    for number in ("0770090012", "1234567890", "9876543210"):
        assert found_in(" ".join(words[digit] for digit in number)) is Detail.TELEPHONE


@pytest.mark.parametrize("text", ORDINARY_ELSEWHERE)
def test_an_ordinary_answer_in_another_language_passes(text: str) -> None:
    assert found_in(text) is None


@pytest.mark.parametrize(
    ("texts", "detail"),
    [(POSTCODES, Detail.POSTCODE), (ADDRESSES, Detail.ADDRESS), (EMAILS, Detail.EMAIL), (ACCOUNTS, Detail.ACCOUNT)],
)
def test_ways_to_find_or_reach_somebody_and_accounts_are_found(texts: list[str], detail: Detail) -> None:
    assert {text: found_in(text) for text in texts} == dict.fromkeys(texts, detail)


@pytest.mark.parametrize("text", CARDS)
def test_a_card_number_is_found_by_its_check_digit(text: str) -> None:
    assert found_in(text) is Detail.CARD


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_answer_passes(text: str) -> None:
    assert found_in(text) is None


@pytest.mark.parametrize("text", ["000 zero 01-1-00 0", "07946 01/02/2019", "01/02/2019 00 12"])
def test_no_date_hides_the_digits_beside_it(text: str) -> None:
    assert found_in(text) is Detail.TELEPHONE


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=10, max_size=11),
    st.lists(st.sampled_from(["", " ", "-", ".", " / ", ") (", ",", "\u00a0", " und ", "_"]), min_size=11, max_size=11),
    st.lists(st.booleans(), min_size=11, max_size=11),
)
def test_no_grouping_hides_ten_digits(digits: list[int], signs: list[str], in_words: list[bool]) -> None:
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    spoken = [f" {words[digit]} " if word else str(digit) for digit, word in zip(digits, in_words, strict=False)]
    signs = [sign.replace(" und ", " and ") for sign in signs]
    text = "".join(part + sign for part, sign in zip(spoken, signs, strict=False))
    groups = "".join(str(digit) for digit in digits)
    years = all(groups[n : n + 2] in ("19", "20") for n in range(0, len(groups), 4))
    assert found_in(text) is not None or years


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=500))
def test_any_text_is_looked_at_without_an_error(text: str) -> None:
    found_in(text)


@pytest.mark.parametrize(
    "part",
    [
        *("a ", "at ", "1 a ", "-.-. ", "flat ", "live a ", "gb12 ", "o", "one", "12 aaa ", "a@"),
        *("s w 1 ", "e 1 . ", "sw one ", "19 84 ", "at a.b"),
    ],
)
def test_no_text_takes_long(part: str) -> None:
    began = time.process_time()
    found_in((part * 500)[:500])
    assert time.process_time() - began < 0.25


def test_check_digits_are_reckoned_as_the_standards_say() -> None:
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert iban_checks("GB29NWBK60161331926819")
    assert not iban_checks("GB28NWBK60161331926819")
    assert sum(luhn("411111111111111" + digit) for digit in string.digits) == 1
