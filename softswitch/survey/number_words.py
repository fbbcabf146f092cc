"""Words for numbers to ninety in languages other than English, as callees may say them to the agent.

Text is compared without accents and umlauts. Words for hundreds are left out: they belong to amounts, and no telephone
number is said by them. A word that stands for nothing but a pause in English ("um") is not in here.
"""

_LANGUAGES = {
    "German": (
        "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn "
        "siebzehn achtzehn neunzehn",
        "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig",
        {"zwo": 2, "ein": 1, "fuenf": 5, "zwoelf": 12, "fuenfzig": 50},
        "und",
    ),
    "French": (
        "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize",
        "vingt trente quarante cinquante soixante septante huitante nonante",
        {"une": 1, "octante": 80},
        "et",
    ),
    "Spanish": (
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete "
        "dieciocho diecinueve",
        "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
        {"un": 1, "una": 1},
        "y",
    ),
    "Italian": (
        "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
        "diciassette diciotto diciannove",
        "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
        # Those without their last vowel stand before uno and otto.
        {"un": 1, "vent": 20, "trent": 30, "quarant": 40, "cinquant": 50, "sessant": 60, "settant": 70, "ottant": 80}
        | {"novant": 90},
        "e",
    ),
    "Portuguese": (
        "zero uma dois tres quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete "
        "dezoito dezenove",
        "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
        {"meia": 6, "duas": 2, "dezasseis": 16, "dezassete": 17, "dezanove": 19},
        "e",
    ),
    "Dutch": (
        "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien "
        "achttien negentien",
        "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
        {},
        "en",
    ),
    "Polish": (
        "zero jeden dwa trzy cztery piec szesc siedem osiem dziewiec dziesiec jedenascie dwanascie trzynascie "
        "czternascie pietnascie szesnascie siedemnascie osiemnascie dziewietnascie",
        "dwadziescia trzydziesci czterdziesci piecdziesiat szescdziesiat siedemdziesiat osiemdziesiat dziewiecdziesiat",
        {"jedna": 1, "dwie": 2},
        "i",
    ),
    "Welsh": (
        "dim un dau tri pedwar pump chwech saith wyth naw deg",
        "ugain",
        {"sero": 0, "dwy": 2, "tair": 3, "pedair": 4, "pum": 5, "chwe": 6},
        "a",
    ),
}
"""Of each: from nought upwards, the tens from twenty, other forms, and the word between tens and units."""


def _numbers(units: str, tens: str, others: dict[str, int]) -> dict[str, str]:
    found = {word: str(n) for n, word in enumerate(units.split())}
    found |= {word: str(n) for n, word in zip(range(20, 100, 10), tens.split(), strict=False)}
    return found | {word: str(n) for word, n in others.items()}


NUMBERS = {name: _numbers(units, tens, others) for name, (units, tens, others, _) in _LANGUAGES.items()}
"""By language: the digits that a word stands for."""
JOINS = {name: joins for name, (_, _, _, joins) in _LANGUAGES.items()}
"""By language: the word between the tens and units of one number."""
