"""Words and signs that stand for numbers, in several languages: ones and tens, ordinals, scales, counters.

Tables only. How they are put together: spelled_numbers.py, and pieces.py for Chinese and Korean numerals.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from seal.grading.word_keys import key_of, keys_of


def _counted(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    """The words with the numbers from `start` on; "/" parts two words for one."""
    return {name: start + step * at for at, names in enumerate(words.split()) for name in names.split("/")}


MULTIPLIERS: Final = {
    name: 10**power
    for power, names in {
        2: "hundred hundert",
        3: "thousand thousands k tausend tsd mille mil हज़ार हजार ألف آلاف тысяч тысячи тысяча тыс "
        "χιλιαδες χιλιαδα אלף אלפים",
        5: "lakh लाख",
        6: "million millions mn mio millionen millón millones milione milioni milhão milhões मिलियन مليون "
        "ملايين миллион миллиона миллионов млн εκατομμυριο εκατομμυρια εκ מיליון",
        7: "crore करोड़",
        9: "billion billions bn mrd milliarde milliarden milliard milliards अरब مليار миллиард миллиарда "
        "миллиардов млрд δισεκατομμυριο δισεκατομμυρια δισ מיליארד",
        12: "trillion trillions billionen τρισεκατομμυριο τρισεκατομμυρια",
    }.items()
    for name in keys_of(names)
} | {"dozen": 12, "dozens": 12, "dutzend": 12, "douzaine": 12, "docena": 12}
"""What multiplies the number before it."""

_ENGLISH: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_ENGLISH_ORDINALS: Final = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_GERMAN: Final = (
    "null eins zwei/zwo drei vier fünf/fuenf sechs sieben acht neun zehn elf zwölf/zwoelf dreizehn vierzehn "
    "fünfzehn sechzehn siebzehn achtzehn neunzehn"
)
_GERMAN_ORDINALS: Final = "nullt erst zweit dritt viert fünft sechst siebt acht neunt zehnt elft zwölft"

_OTHER_SCRIPTS: Final[dict[str, int]] = {
    **_counted(
        "один/одна два/две/двух три/трёх/трех четыре пять шесть семь восемь девять десять одиннадцать "
        "двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать",
        1,
    ),
    **_counted("двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто сто", 20, 10),
    **_counted("двести триста четыреста пятьсот", 200, 100),
    **_counted(
        "δυο τρια/τρεις/τριων τεσσερα/τεσσερις πεντε εξι επτα/εφτα οκτω/οχτω εννια/εννεα δεκα εντεκα/ενδεκα "
        "δωδεκα δεκατρια δεκατεσσερα δεκαπεντε δεκαεξι δεκαεπτα δεκαοκτω δεκαεννια",
        2,
    ),
    **_counted("εικοσι τριαντα σαραντα πενηντα εξηντα εβδομηντα ογδοντα ενενηντα εκατο", 20, 10),
    **_counted("दो तीन चार पाँच/पांच छह/छः सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस बीस", 2),
    **{"पच्चीस": 25, "तीस": 30, "चालीस": 40, "पचास": 50, "साठ": 60, "सत्तर": 70, "अस्सी": 80, "नब्बे": 90},
    **_counted("ثلاث/ثلاثه اربع/اربعه خمس/خمسه ست/سته سبع/سبعه ثمان/ثماني/ثمانيه تسع/تسعه عشر/عشره", 3),
    **_counted("عشرون/عشرين ثلاثون/ثلاثين اربعون/اربعين خمسون/خمسين", 20, 10),
    **_counted("שלוש/שלושה ארבע/ארבעה חמש/חמישה שש/שישה שבע/שבעה שמונה תשע/תשעה עשר/עשרה", 3),
    **_counted("עשרים שלושים ארבעים חמישים", 20, 10),
}
"""Of scripts in which such a word is nothing else."""

NUMBER_WORDS: Final[dict[str, int]] = {
    **_counted(_ENGLISH),
    **_counted("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10),
    **_counted(_ENGLISH_ORDINALS),
    **_counted("twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth", 20, 10),
    **{"hundredth": 100, "twice": 2, "thrice": 3},
    **{key_of(word): value for word, value in _OTHER_SCRIPTS.items()},
}
ENGLISH_ORDINALS: Final = frozenset(_counted(_ENGLISH_ORDINALS))
NUMBER_WORDS_DE: Final[dict[str, int]] = {
    **_counted(_GERMAN),
    **{"ein": 1, "eine": 1, "dreissig": 30, "zweimal": 2, "dreimal": 3},
    **_counted("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig", 20, 10),
}
ORDINALS_DE: Final[dict[str, int]] = {
    stem + ending: value
    for value, stem in enumerate(_GERMAN_ORDINALS.split())
    if value
    for ending in ("e", "er", "es", "en", "em")
}


def _french() -> dict[str, int]:
    ones = (
        "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    ).split()
    ones += ["dix sept", "dix huit", "dix neuf"]
    found = {word: value for value, word in enumerate(ones) if value != 1}
    for ten, name in ((20, "vingt"), (30, "trente"), (40, "quarante"), (50, "cinquante"), (60, "soixante")):
        found |= {name: ten, f"{name} et un": ten + 1}
        found |= {f"{name} {ones[one]}": ten + one for one in range(1, 20 if ten == 60 else 10)}
    found |= {"soixante et onze": 71, "quatre vingts": 80, "quatre vingt": 80, "cent": 100, "mille": 1000}
    return found | {f"quatre vingt {ones[one]}": 80 + one for one in range(1, 20)}


def _spanish() -> dict[str, int]:
    found = _counted(
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis "
        "diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco "
        "veintiseis veintisiete veintiocho veintinueve"
    )
    ones = list(found)[:10]
    del found["uno"]
    for ten, name in _counted("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10).items():
        found |= {ten: name} | {f"{ten} y {ones[one]}": name + one for one in range(1, 10)}
    return found | _counted("cien/ciento doscientos trescientos", 100, 100) | {"quinientos": 500, "mil": 1000}


PHRASES: Final = {"fr": _french(), "es": _spanish()}
"""Numbers of one or more words, without accents and hyphens, read in a text of that language only."""
LONGEST_PHRASE: Final = 4

LISTED_WORDS: Final = frozenset(
    [
        *_counted(_ENGLISH),
        *"twenty thirty forty fifty sixty seventy eighty ninety dozen twice".split(),
        *NUMBER_WORDS_DE,
        *ORDINALS_DE,
        *(word for one in PHRASES.values() for word in one),
    ]
)
"""Words for numbers in the languages with capitals."""

HALVES: Final = frozenset("half halb halbe halber halben demi demie medio media".split())
ARTICLES: Final = frozenset("a an one ein eine einen einem einer une un".split())
FRACTIONS: Final = {
    "half": 2, "halves": 2, "quarter": 4, "quarters": 4, "third": 3, "thirds": 3, "fourths": 4, "fifth": 5,
    "fifths": 5, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10, "viertel": 4,
    "drittel": 3, "funftel": 5, "achtel": 8, "zehntel": 10, "quarts": 4, "cuartos": 4, "tiers": 3,
    "tercios": 3, "quinti": 5, "terzi": 3, "quartos": 4,
}  # fmt: skip
"""What stands below the line of a fraction in words: "three quarters"."""

AND_A_HALF: Final = {
    **dict.fromkeys(("anderthalb", "полтора", "полторы", "डेढ़"), Fraction(3, 2)),
    "ढाई": Fraction(5, 2),
}
"""Words for so many and a half."""

CJK_DIGITS: Final = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "两": 2,
    "兩": 2,
}
CJK_TENS: Final = {"十": 10, "百": 100, "千": 1000}
CJK_MYRIADS: Final = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "만": 10**4, "억": 10**8}
CJK_SCALES: Final = CJK_MYRIADS | {"百": 100, "千": 1000, "백": 100, "천": 1000}
"""What multiplies the digits before it."""
CJK_COUNTERS: Final = (
    "年月日号號人名个個天小时時分秒元块円岁歳歲次种種家名台本枚周点點度米公里千克斤吨噸升届章条條位座間间所件楼樓层層"
    "倍世页頁字集冊册館馆室級级階阶段刻隻只匹頭头"
)
KOREAN_COUNTED: Final = {
    "한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
    "열한": 11, "열두": 12, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50,
}  # fmt: skip
KOREAN_COUNTERS: Final = "권명개층시살마리대장번곳가지채병잔달시간사람척그루"
