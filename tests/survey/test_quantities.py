"""What people say of amounts, distances, days and hours may be written down; a number to ring hides in none of them."""

import time

import pytest

from softswitch.survey.private_details import found_in
from softswitch.survey.quantities import without_quantities
from softswitch.survey.spoken_digits import plain

ORDINARY = """about 20 years|between 1000 and 1500 pounds|since 01/02/2019|I drive 12,000 miles|12000 miles a year
£25,000 to £30,000|between 20,000 and 25,000 pounds|1,000 to 1,500|from 1995 to 2019
in 1998, 2004, 2010, 2015 and 2019|10 to 15 minutes|at 10:30 in the morning|from 9 to 5, Monday to Friday
half past seven until 5 30|9.30 to 17.30|08:30-17:00|on the 12th of May 2019|12 May 2019|2019-05-12
May 2019 to June 2020|I have worked here 20 years, 3 months|3 bedrooms 2 bathrooms 1 kitchen
about 150 to 200 a week|two or three thousand pounds|one and a half million|a hundred and fifty thousand pounds
1.5 million|20 to 30 miles each way, 5 days a week|I smoke 20 a day, sometimes 30 or 40|5 foot 10, 12 stone 7
80 kg and 175 cm|9 out of 10|7/10|50/50|100%|it went from 3.5% to 4.25%|around 2,500 square feet
200,000 in 2015 and 350,000 now|We paid 1,250,000 for it|£1,250.50|1 2 3 4 5 stars|I was born in 1956
66 years old|six or seven times|ten or twelve or fifteen|number one is price, number two is service
in row 12 seat 34|route 66|Boeing 737, Airbus A320|the number 9, the 23 and the 148 buses
iPhone 12 and Galaxy S21|Euro 2024|World Cup 1966 and 1970|my 3 children are 12, 14 and 17
7 days a week, 24 hours a day, 365 days a year|since 1 January 2020|between 01/01/2019 and 31/12/2020
from 01/02/19 to 03/04/20|I use the M1, M6 and M62|the A1(M)|Highway 101|Section 106|once every 2 or 3 weeks
twenty or thirty thousand miles|6am to 2pm, 2pm to 10pm|10 mins to walk, 5 by car, 15 by bus
one hundred pounds a month for 12 months|it cost nine hundred and ninety nine pounds|about 10-15%
I would pay 5 10 or 20 pounds|3,4 or 5 people|400 calls or 500 calls in 6 months|I'd say 30,000 or 40,000
my house is worth 450000|40000 pounds|15000 to 20000|bought it for 120000 sold for 150000|in the 1980s and 1990s
the 20th century|1st, 2nd and 3rd|I live down the road|the house over the way|two people walk the way
I take the short way|I close at 5|4 people drive|12 hour drive|3 day place|we have 2 cars that we park
the 10 mile walk|the five mile drive|the second close by
the train at five past seven and the bus at twenty to eight|my mum is 87, my dad 91|no more than 2 or 3 hours
I watch ITV 1 at 6 and BBC 1 at 10|at the co.op|I shop online at amazon|they should be at the station
I work at home. It is fine|it is an account I use a lot|I have an account with 2 banks|card payments are better
my bank account was hacked in 2019|I paid by card 3 times|Tesco, Asda, Aldi|flat rate of 10|flat 3 percent
house 3 of us|the unit price|suite of tools|Unit 1 of the course|address the problem|nothing|don't know
5 GB of data, 1000 minutes, 500 texts|6 o'clock|more like 1500 than 1000|about a 1000|one two three
seven eight nine ten|1-2-3|16-24|25 to 34|65 plus|65+|0 to 10, I'd say 8|zero|a 10 out of 10 or 9 out of 10
2 adults 3 children 1 dog 2 cats|double the price|triple what it was in 2010|pay and display
I like the High Street|Church Road is busy|walk up Church Lane to the shops|the Oxford Street shops
going down Mill Road|two Mill Road shops closed|they closed 3 high street banks|3 main road junctions
one lane road|two way street|a one way street|four lane road|three busy roads|ten minute drive
twenty minute walk|one big park|two nice parks|the number 12 road|5 star place|I did 2 months, 3 weeks there
between ten and twenty thousand a year|20k to 25k a year|20-25k|£20,000-£25,000
three to four hundred pounds a month|£300-£400 a month|300 400 pounds a month|100, 200, 300 pounds
8 hours a day 5 days a week 48 weeks a year|3 000 000 people|10 million|£10,000,000|10.000 euros
Mon 9-5, Tue 9-5, Wed 9-1|Mon 09:00-17:00
I have had 3 cars since 2015|between 25 and 30 thousand|25 to 30 grand|since 09/2019|in 3-2021
the 2019-20 and 2020-21 seasons|tax year 2021/22|nineteen eighty four and nineteen ninety seven
20 30 40 percent|12 13 14 years old|10, 20, 30 times|two parks and a square|I live near the High Street
EE and O2, 5GB a month|E10, 2nd pump|the M1, 3rd exit|I looked at it, 4 or 5 times""".replace("\n", "|").split("|")
HIDDEN = """07700 900123 pounds|7700 900123 miles|7,700,900 123 pounds|£7700 900123|£7700900123|0770 0900 123 a week
oh seven seven double oh nine hundred one two three pounds|seven seven hundred nine hundred pounds, one two three
in 2079 460123|since 2079 46 01 23|12/05/19 07700 900123|01/02/2019 900 123 456|07:40:09:00:12:3|0770-0900 to 123
between 900 and 123 and 456 pounds|+44 7700 900123 people
12,345 678 901 pounds|2,079,460 123|20 79 46 01 23 people|07/2019 460123|2079-46 0123|2079/46 0123 45
460 and 123 thousand, 0207|5 million 550 1234|July 2019 460 0123|1,234,567,890 pounds
zero two zero seven nine four six thousand people""".replace("\n", "|").split("|")


@pytest.mark.parametrize("start", range(0, len(ORDINARY), 28))
def test_ordinary_answers_pass(start: int) -> None:
    answers = ORDINARY[start : start + 28]
    assert {text: found for text in answers if (found := found_in(text)) is not None} == {}


def test_no_unit_sign_or_range_hides_a_number_to_ring() -> None:
    assert [text for text in HIDDEN if found_in(text) is None] == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("between 20,000 and 25,000 pounds", "between amount"),
        ("£1,250.50", "amount"),
        ("on 01/02/2019 at 10:30", "on date at date"),
        ("twenty to thirty miles", "amount"),
        ("2500 to 2000 pounds", "2500 to 2000 pounds"),
        ("0800 miles", "0800 miles"),
    ],
)
def test_an_amount_rises_and_begins_with_no_zero(text: str, left: str) -> None:
    assert " ".join(without_quantities(plain(text)).split()) == left


@pytest.mark.parametrize("part", ["1,000 ", "one hundred and ", "£1 to ", "a thousand ", "1 000", "in 2019-", "10:30 "])
def test_no_text_takes_long(part: str) -> None:
    began = time.process_time()
    found_in((part * 500)[:500])
    assert time.process_time() - began < 0.25
