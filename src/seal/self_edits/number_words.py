"""Tables: number words, scales, units, currencies and months in the languages that the exact checks read.

Knows words only; what a number of a text is: quantities.py.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MONTHS", "SCALES", "STOP_WORDS", "TENS", "UNITS", "WIDE_UNITS", "WORD_VALUES", "guess_language"]


def _numbered(words: str, start: int = 0) -> dict[str, int]:
    return {name: value for value, names in enumerate(words.split(), start) for name in names.split("/")}


def _english() -> dict[str, int]:
    small = _numbered(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen "
        "seventeen eighteen nineteen"
    )
    small |= _numbered("third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth", 3)
    return small | {"dozen": 12, "twice": 2}


def _german() -> dict[str, int]:
    ones = "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn".split()
    ones += "fünfzehn sechzehn".split()
    ones += "siebzehn achtzehn neunzehn".split()
    tens = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
    words = dict(enumerate(ones))
    for at, ten in enumerate(tens, 2):
        words[10 * at] = ten
        words |= {10 * at + one: f"{ones[one]}und{ten}" for one in range(1, 10)}
    found = {word: value for value, word in words.items()}
    for value, word in words.items():
        for hundred in range(1, 10):
            start = f"{ones[hundred]}hundert"
            found |= {start: 100 * hundred, start + word: 100 * hundred + value}
        if 0 < value < 100:
            found[("" if value == 1 else word) + "tausend"] = 1000 * value
    found |= {"hundert": 100, "dreissig": 30, "zweimal": 2, "dreimal": 3, "dutzend": 12}
    for name, value in _numbered(
        "dritte vierte fünfte sechste siebte achte neunte zehnte elfte zwölfte", 3
    ).items():
        found |= {name + end: value for end in ("", "n", "r", "s", "m")}
    del found["ein"]
    return found


def _french() -> dict[str, int]:
    ones = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze".split()
    ones += "seize".split()
    ones += ["dix-sept", "dix-huit", "dix-neuf"]
    found = {word: value for value, word in enumerate(ones) if value != 1}
    for ten, name in ((20, "vingt"), (30, "trente"), (40, "quarante"), (50, "cinquante"), (60, "soixante")):
        found[name] = ten
        most = 20 if ten == 60 else 10
        found |= {f"{name}-{ones[one]}": ten + one for one in range(1, most)}
        found |= {f"{name} et un": ten + 1, f"{name}-et-un": ten + 1}
    found |= {"soixante et onze": 71, "quatre-vingts": 80, "quatre-vingt": 80, "cent": 100, "mille": 1000}
    found |= {f"quatre-vingt-{ones[one]}": 80 + one for one in range(1, 20)}
    return found


def _spanish() -> dict[str, int]:
    found = _numbered(
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
        "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco "
        "veintiséis veintisiete veintiocho veintinueve"
    )
    ones = list(found)[:10]
    del found["uno"]
    for at, ten in enumerate("treinta cuarenta cincuenta sesenta setenta ochenta noventa".split(), 3):
        found[ten] = 10 * at
        found |= {f"{ten} y {ones[one]}": 10 * at + one for one in range(1, 10)}
    return found | {
        "cien": 100,
        "ciento": 100,
        "doscientos": 200,
        "trescientos": 300,
        "quinientos": 500,
        "mil": 1000,
    }


WORD_VALUES: Final = {"en": _english(), "de": _german(), "fr": _french(), "es": _spanish()}
TENS: Final = {
    "en": {
        name: 10 * at
        for at, name in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
    }
}
# What multiplies the number before it.
SCALES: Final = {
    name: 10**power
    for power, names in {
        2: "hundred",
        3: "thousand tausend mille mil k हज़ार हजार ألف آلاف тысяч тысячи",
        5: "lakh लाख",
        6: "million millions millionen mio millón millones milione milioni milhão milhões mn मिलियन "
        "مليون ملايين "
        "миллион миллиона миллионов млн",
        7: "crore करोड़",
        9: "billion billions bn milliarde milliarden mrd milliard milliards अरब مليار миллиард "
        "миллиарда миллиардов",
        12: "trillion trillions billionen",
    }.items()
    for name in names.split()
}
WIDE_SCALES: Final = {"百": 10**2, "千": 10**3, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
UNITS: Final = {
    name: unit
    for unit, names in {
        "$": "$ usd us$ dollar dollars dólar dólares doller डॉलर دولار доллар доллара долларов",
        "€": "€ eur euro euros يورو евро यूरो",
        "£": "£ gbp sterling",
        "£ lb": "pound pounds",
        "lb": "lb lbs",
        "¥": "¥ yen jpy yuan rmb cny",
        "₹": "₹ inr rupee rupees रुपये रुपए रुपया rs",
        "crown": "crown crowns krone kronen kroner kronor koruna krona couronne couronnes corona coronas "
        "czk sek nok dkk",
        "fr": "chf franc francs franken",
        "cent": "cent cents centime centimes centavo centavos",
        "₽": "₽ rubles roubles ruble rouble рубль рубля рублей",
        "%": "% percent percentage prozent प्रतिशत процент процента процентов بالمئة",
        "km": "km kms kilometre kilometres kilometer kilometers kilomètre kilomètres kilómetro "
        "kilómetros किलोमीटर "
        "किमी كيلومتر كم километр километра километров км",
        "m": "m metre metres meter meters metern mètre mètres metro metros मीटर متر أمتار метр метра "
        "метров м",
        "cm": "cm centimetre centimetres centimeter centimeters zentimeter centimètres centímetros सेंटीमीटर",
        "mm": "mm millimetre millimetres millimeter millimeters millimètres milímetros",
        "mi": "mi mile miles meile meilen millas",
        "ft": "ft foot feet fuß pied pieds pies",
        "inch": "inch inches zoll pouces pulgadas",
        "ha": "ha hectare hectares hektar hectáreas",
        "acre": "acre acres",
        "kg": "kg kgs kilogram kilograms kilogramme kilogrammes kilogramm kilo kilos kilogramos "
        "किलोग्राम किलो كيلوغرام кг",
        "g": "g gram grams gramme grammes gramm gramos ग्राम غرام",
        "mg": "mg milligram milligrams milligramm milligrammes miligramos मिलीग्राम",
        "µg": "µg μg mcg microgram micrograms",
        "t": "t ton tons tonne tonnes tonnen toneladas टन طن",
        "oz": "oz ounce ounces",
        "l": "l litre litres liter liters litern litros लीटर لتر",
        "ml": "ml millilitre millilitres milliliter milliliters mililitros",
        "s": "s sec secs second seconds sekunde sekunden seconde secondes segundo segundos सेकंड ثانية",
        "min": "min mins minute minutes minuten minuto minutos मिनट دقيقة دقائق минут минуты",
        "h": "h hr hrs hour hours stunde stunden heure heures hora horas घंटे घंटा ساعة ساعات часов часа час",
        "d": "day days tag tage tagen jour jours día días दिन يوم أيام дней дня день",
        "week": "week weeks woche wochen semaine semaines semana semanas सप्ताह हफ़्ते أسبوع أسابيع недель "
        "недели",
        "month": "month months monat monate monaten mois mes meses महीने माह شهر أشهر месяцев месяца",
        "y": "year years yr yrs jahr jahre jahren an ans année années año años साल वर्ष سنة سنوات عام "
        "عاما лет года",
        "°C": "°c celsius",
        "°F": "°f fahrenheit",
        "kb": "kb kilobyte kilobytes",
        "mb": "mb megabyte megabytes",
        "gb": "gb gigabyte gigabytes",
        "tb": "tb terabyte terabytes",
        "w": "w watt watts",
        "kw": "kw kilowatt kilowatts",
        "kwh": "kwh",
        "mw": "mw megawatt megawatts",
        "v": "v volt volts",
        "ah": "ah",
        "mah": "mah",
        "hz": "hz hertz",
        "km/h": "km/h kmh kph",
        "mph": "mph",
        "am": "am a.m",
        "pm": "pm p.m",
    }.items()
    for name in names.split()
}
WIDE_UNITS: Final = {
    name: unit
    for unit, names in {
        "km": "公里 千米 キロメートル",
        "m": "米 公尺 メートル",
        "cm": "厘米 公分 センチ",
        "mm": "毫米",
        "kg": "公斤 千克 キログラム",
        "g": "克 グラム",
        "mg": "毫克",
        "t": "吨 噸",
        "l": "升 リットル",
        "$": "美元 美金 ドル",
        "€": "欧元 歐元 ユーロ",
        "£": "英镑",
        "¥": "元 人民币 日元 円 块",
        "%": "% パーセント",
        "h": "小时 小時 時間",
        "min": "分钟 分鐘 分間",
        "s": "秒",
        "d": "天 日間",
        "week": "周 星期 週間",
        "month": "个月 個月 か月 ヶ月",
        "y": "岁 歳 歲 年间 年間",
    }.items()
    for name in names.split()
}
MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier enero gennaio janeiro января जनवरी يناير",
            "february feb februar février fevrier febrero febbraio fevereiro февраля फरवरी فبراير",
            "march mar märz mars marzo março марта मार्च مارس",
            "april apr avril abril aprile апреля अप्रैल أبريل ابريل",
            "may mai mayo maggio maio мая मई مايو",
            "june jun juni juin junio giugno junho июня जून يونيو",
            "july jul juli juillet julio luglio julho июля जुलाई يوليو",
            "august aug août aout agosto августа अगस्त أغسطس",
            "september sep sept septembre septiembre settembre setembro сентября सितंबर سبتمبر",
            "october oct oktober okt octobre octubre ottobre outubro октября अक्टूबर أكتوبر",
            "november nov novembre noviembre novembro ноября नवंबर نوفمبر",
            "december dec dezember dez décembre decembre diciembre dicembre dezembro декабря दिसंबर ديسمبر",
        ),
        1,
    )
    for name in names.split()
}
STOP_WORDS: Final = {
    "en": frozenset(
        "the of and to in is was for that with on as by at from are were be it this which who what".split()
    ),
    "de": frozenset(
        "der die das und ist nicht mit von zu den ein eine im am auf für wird wurde dem des wer".split()
    ),
    "fr": frozenset(
        "le les des et est dans une un du pour que qui sur au aux avec par pas elle été quel".split()
    ),
    "es": frozenset("el los las y en que una es por con del se para como fue su al más qué cuándo".split()),
}


def guess_language(words: set[str]) -> str:
    """The language of these words, of the four whose number words are known; "en" where none stands out."""
    counts = {name: len(known & words) for name, known in STOP_WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] > counts["en"] else "en"
