"""Words that bear no content or a fixed one, in several languages: for comparing answers by meaning.

Tables only. Knows nothing about how answers are compared. A language that is missing here is still compared,
word by word or character by character; only its function words then count as content.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from seal.grading.word_keys import keys_of

FUNCTION_WORDS: Final = {
    "en": frozenset(
        "a an the of to in and or for on at by with from as is was were are be been being it its their his "
        "her hers our my your they he she we you i that this these those there here who whom whose which "
        "what "
        "when where why how into onto than then also too had has have do does did will would can could may "
        "might shall should must about during within upon per so such just only very around approximately "
        "roughly nearly circa some any each both if because answer called named known s t m re ve d ll "
        "located took place happened occurred began please sure per out which while".split()
    ),
    "de": frozenset(
        "der die das den dem des ein eine einen einem einer eines und oder von vom zu zum zur in im an am "
        "auf "
        "für mit bei beim aus als ist war waren sind sein wird wurde wurden worden es sie er ihr ihre ihren "
        "ihrer seine seinen seiner hat hatte haben wer was wann wo wie warum welche welcher welches dass "
        "auch "
        "dort hier um nach durch über etwa rund ca circa ungefähr pro je man sich werden kann antwort lautet "
        "heißt gibt uhr wir ich".split()
    ),
    "fr": frozenset(
        "le la les l un une des du de d et ou à au aux en dans par pour sur avec est était sont ont a il "
        "elle "
        "ils elles on ce cette ces c qui que qu quoi quel quelle quels quelles quand où comment pourquoi son "
        "sa ses leur leurs se s y environ été fut réponse je nous vous".split()
    ),
    "es": frozenset(
        "el la los las un una unos unas de del y o u e a al en por para con es era fue son fueron ha han se "
        "su sus lo que qué quién cuándo dónde cómo cuál cuánto cuántos cuántas como más unos aproximadamente "
        "respuesta está están este esta yo".split()
    ),
    "it": frozenset(
        "il lo la i gli le un uno una di del della dei delle e o a al alla in nel nella per con è era fu "
        "sono "
        "da dal dalla su che chi quando dove come quale quanto si ha risposta".split()
    ),
    "pt": frozenset(
        "o a os as um uma de do da dos das e ou em no na nos nas por para com é era foi são que quem quando "
        "onde como qual quanto se ao à resposta".split()
    ),
    "nl": frozenset(
        "de het een van en of in op aan bij met voor door uit te tot is was waren zijn wordt werd er hij zij "
        "wie wat wanneer waar hoe welke dat die dit deze om ongeveer antwoord".split()
    ),
    "ar": frozenset(
        "في من على إلى عن هو هي كان كانت التي الذي هذا هذه ذلك تم و أو مع بواسطة ما ماذا متى أين "
        "كيف كم لماذا هل "
        "أي".split()
    ),
    "he": frozenset(
        "של את על עם הוא היא הם הן זה זאת זו אשר כי לא או גם אל מן בין לפי היה הייתה היו מה מי "
        "מתי איפה היכן איך "
        "כמה למה מדוע האם איזה איזו אילו".split()
    ),
    "hi": frozenset(
        "का के की में से को ने पर है हैं था थे थी और या यह वह इस उस द्वारा एक कि जो तक लिए हुआ "
        "हुई गया गई गए क्या कौन किसने "
        "किसे किस कब कहाँ कहां कैसे क्यों कितना कितने कितनी कौनसा".split()
    ),
    "ko": frozenset(
        "그 이 저 것 수 및 또는 그리고 있다 있는 있습니다 무엇 무엇을 무엇입니까 누구 누가 "
        "누구입니까 언제 어디 어디에 어디에서 어떻게 왜 "
        "얼마 얼마나 몇 어느 어떤".split()
    ),
    "ru": frozenset(
        "в во на с со и или по от до из у к о об это был была было были его её их он она не́".split()
    ),
}

UNCASED: Final = ("ar", "he", "hi", "ko")
"""Languages of scripts with spaces between words, but without capitals."""

COMMA_IS_DECIMAL: Final = frozenset({"de", "fr", "es", "it", "pt", "nl", "ru"})

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        [
            "january jan januar jänner janvier enero gennaio janeiro januari январь января जनवरी يناير "
            "ιανουαριος ιανουαριου ינואר בינואר",
            "february feb februar février fevrier febrero febbraio fevereiro februari февраль февраля "
            "फरवरी فبراير φεβρουαριος φεβρουαριου פברואר בפברואר",
            "march mar märz maerz mars marzo março maart март марта मार्च مارس μαρτιος μαρτιου מרץ במרץ",
            "april apr avril abril aprile апрель апреля अप्रैल أبريل ابريل απριλιος απριλιου אפריל באפריל",
            "may mai mayo maggio maio mei май мая मई مايو μαιος μαιου מאי במאי",
            "june jun juni juin junio giugno junho июнь июня जून يونيو ιουνιος ιουνιου יוני ביוני",
            "july jul juli juillet julio luglio julho июль июля जुलाई يوليو ιουλιος ιουλιου יולי ביולי",
            "august aug août aout agosto augustus август августа अगस्त أغسطس اغسطس αυγουστος αυγουστου "
            "אוגוסט באוגוסט",
            "september sep sept septembre septiembre settembre setembro сентябрь сентября सितंबर سبتمبر "
            "σεπτεμβριος σεπτεμβριου ספטמבר בספטמבר",
            "october oct oktober okt octobre octubre ottobre outubro октябрь октября अक्टूबर أكتوبر "
            "اكتوبر οκτωβριος οκτωβριου אוקטובר באוקטובר",
            "november nov novembre noviembre novembro ноябрь ноября नवंबर نوفمبر νοεμβριος νοεμβριου "
            "נובמבר בנובמבר",
            "december dec dezember dez décembre decembre diciembre dicembre dezembro desember декабрь "
            "декабря दिसंबर ديسمبر δεκεμβριος δεκεμβριου דצמבר בדצמבר",
        ],
        start=1,
    )
    for name in (*names.split(), *keys_of(names))
}

KOREAN_PARTICLES: Final = tuple(
    "이라는 에서는 에서도 으로는 으로도 입니까 입니다 이다 에서 에는 에도 에만 에게 으로 까지 부터 처럼 보다 "
    "라는 이나 마다 와는 과는 은 는 이 가 을 를 에 의 로 와 과 도 만".split()
)
"""What Korean joins to a noun, the longer before those that they end in."""

CHINESE_SURNAMES: Final = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何高林罗羅郑鄭梁谢謝宋唐许許韩韓冯馮邓鄧曹彭曾肖田董袁潘于蒋蔣蔡余杜"
    "叶葉程苏蘇魏吕呂丁任沈姚卢盧姜崔钟鐘谭譚陆陸汪范金石廖贾賈夏韦韋付方白邹鄒孟熊秦邱江尹薛闫段雷侯龙龍史陶黎贺賀顾顧毛郝龚邵万錢钱覃武戴莫孔向汤"
)
"""With traditional and simplified characters."""

WEEKDAYS: Final = (
    "周一 週一 星期一 礼拜一 月曜 월요일 monday montag lundi lunes lunedì понедельник δευτέρα सोमवार",
    "周二 週二 星期二 礼拜二 火曜 화요일 tuesday dienstag mardi martes martedì вторник τρίτη मंगलवार",
    "周三 週三 星期三 礼拜三 水曜 수요일 wednesday mittwoch mercredi miércoles mercoledì среду средам "
    "τετάρτη बुधवार",
    "周四 週四 星期四 礼拜四 木曜 목요일 thursday donnerstag jeudi jueves giovedì четверг πέμπτη गुरुवार",
    "周五 週五 星期五 礼拜五 金曜 금요일 friday freitag vendredi viernes venerdì пятниц παρασκευή शुक्रवार",
    "周六 週六 星期六 礼拜六 土曜 토요일 saturday samstag sonnabend samedi sábado sabato "
    "суббот σάββατο शनिवार",
    "周日 週日 星期日 星期天 礼拜天 日曜 일요일 sunday sonntag dimanche domingo domenica "
    "воскресень κυριακή रविवार",
)
"""From Monday on; a word begins with one."""

AMBIGUOUS_MONTHS: Final = frozenset("may march mar mars mai jan sep dec sept nov".split())
"""Months that are words or names as well: dates only where a number stands beside them or they stand "
    "alone."""

_UNIT_NAMES: Final = (
    ("usd", 1, "$ us$ usd 美元 美金"),
    ("dollar", 1, "dollar dollars dólar dólares ドル 달러 डॉलर دولار доллар доллара долларов δολαρια"),
    ("dollar", Fraction(1, 100), "cent cents ¢"),
    ("cad", 1, "c$ ca$ can$ cdn$ cad 加元"),
    ("aud", 1, "a$ au$ aud 澳元"),
    ("nzd", 1, "nz$ nzd"),
    ("hkd", 1, "hk$ hkd 港元 港币"),
    ("sgd", 1, "s$ sg$ sgd"),
    ("twd", 1, "nt$ twd 新台币"),
    ("mxn", 1, "mx$ mex$ mxn"),
    ("brl", 1, "r$ brl reais"),
    ("cent", 1, "centime centimes centavo centavos"),
    ("eur", 1, "€ eur euro euros 欧元 歐元 ユーロ 유로 यूरो يورو евро ευρω"),
    ("gbp", 1, "£ gbp sterling 英镑"),
    ("pound", 1, "pound pounds pfund lb lbs"),
    ("¥", 1, "¥"),
    ("jpy", 1, "jpy yen 円 日元 엔"),
    ("cny", 1, "cny rmb yuan 元 人民币 块"),
    ("krw", 1, "₩ krw 원"),
    ("inr", 1, "₹ inr rs rupee rupees रुपये रुपए रुपया"),
    ("rub", 1, "₽ rub ruble rubles rouble roubles рубль рубля рублей"),
    ("crown", 1, "crown crowns krone kronen kroner kronor koruna krona couronne couronnes corona coronas "
        "czk sek nok dkk"),
    ("ils", 1, "₪ ils שקל שקלים"),
    ("chf", 1, "chf franken sfr franc francs"),
    ("%", 1, "% percent percentage prozent procent प्रतिशत процент процента процентов パーセント"),
    ("s", 1, "s sec secs second seconds sekunde sekunden seconde secondes segundo segundos "
        "秒 초 सेकंड ثانية секунд секунды"),
    ("s", 60, "min mins minute minutes minuten minuto minutos 分钟 分鐘 分間 分间 분 मिनट دقيقة دقائق минут "
        "минуты λεπτα"),
    ("s", 3600, "h hr hrs hour hours stunde stunden std heure heures hora horas 小时 小時 "
        "個小時 个小时 時間 时间 시간 घंटे घंटा ساعة ساعات часов часа час "
        "ωρες ωρα שעות שעה"),
    ("s", 86400, "day days tag tage tagen jour jours día días dia dias 天 日間 日间 일 दिन يوم أيام "
        "يوما дней дня день ημερες ημερα ימים"),
    ("s", 604800, "week weeks woche wochen semaine semaines semana semanas 周 星期 週間 周间 주 सप्ताह "
        "हफ्ते أسبوع أسابيع недель недели שבועות"),
    ("months", 1, "month months monat monate monaten mois mes meses 个月 個月 か月 ヶ月 개월 "
        "महीने महीना माह شهر أشهر месяцев месяца חודשים"),
    ("months", 12, "year years yr yrs jahr jahre jahren ans année années año años ano anos साल "
        "वर्ष سنة سنوات عام عاما лет года 岁 歳 歲 年间 年間 χρονια ετη שנים"),
    ("m", 1, "m metre metres meter meters metern mètre mètres metro metros 米 公尺 メートル "
        "미터 मीटर متر مترا أمتار метр метра метров м μετρα μετρων μετρο μ"),
    ("m", 1000, "km kilometre kilometres kilometer kilometers kilometern kilomètres kilómetros "
        "公里 千米 キロメートル 킬로미터 किलोमीटर किमी كيلومتر كيلومترا كم километр километра "
        "километров км χιλιομετρα χλμ"),
    ("m", Fraction(1, 100), "cm centimetre centimetres centimeter centimeters zentimeter centimètres 厘米 "
        "公分 センチ centímetros सेंटीमीटर"),
    ("m", Fraction(1, 1000), "mm millimetre millimetres millimeter millimeters millimètres milímetros 毫米"),
    ("m", 1852, "nmi seemeile seemeilen 海里"),
    ("m", 9_460_730_472_580_800, "lichtjahr lichtjahre lichtjahren 光年"),
    ("mile", 1, "mile miles mi meile meilen millas"),
    ("ft", 1, "ft foot feet fuß pied pieds pies"),
    ("in", 1, "inch inches zoll pouces pulgadas"),
    ("g", 1, "g gram grams gramm gramme grammes gramos 克 グラム ग्राम غرام"),
    ("g", 1000, "kg kilo kilos kilogram kilograms kilogramm kilogrammes kilogramos 公斤 千克 "
        "キログラム 킬로그램 किलोग्राम किलो كيلوغرام кг κιλα "),
    ("g", Fraction(1, 1000), "mg milligram milligrams milligramm milligrammes miligramos मिलीग्राम 毫克"),
    ("g", Fraction(1, 1000000), "µg μg mcg microgram micrograms"),
    ("g", 1000000, "t tonne tonnes ton tons tonnen toneladas 吨 噸 टन طن тонн τονοι"),
    ("oz", 1, "oz ounce ounces"),
    ("acre", 1, "acre acres"),
    ("l", 1, "l litre litres liter liters litern litros 升 リットル लीटर لتر"),
    ("l", Fraction(1, 1000), "ml millilitre millilitres milliliter milliliters mililitros 毫升"),
    ("°c", 1, "°c celsius"),
    ("°f", 1, "°f fahrenheit"),
    ("°", 1, "° degree degrees grad degrés grados 度"),
    ("kb", 1, "kb kilobyte kilobytes"),
    ("mb", 1, "mb megabyte megabytes"),
    ("gb", 1, "gb gigabyte gigabytes"),
    ("tb", 1, "tb terabyte terabytes"),
    ("v", 1, "v volt volts"),
    ("ah", 1, "ah"),
    ("ah", Fraction(1, 1000), "mah"),
    ("mile/s", Fraction(1, 3600), "mph"),
    ("m/s", Fraction(5, 18), "kmh kph"),
    ("w", 1, "w watt watts"),
    ("w", 1000, "kw kilowatt kilowatts"),
    ("w", 1000000, "mw megawatt megawatts"),
    ("kwh", 1, "kwh"),
    ("hz", 1, "hz hertz"),
    ("ha", 1, "ha hectare hectares hektar hectáreas"),
    ("people", 1, "人 名 명"),
)  # fmt: skip
_MONEY: Final = (
    "usd dollar cad aud nzd hkd sgd twd mxn brl cent eur gbp pound ¥ jpy cny krw inr rub crown ils chf"
)
MONEY: Final = frozenset(_MONEY.split())
"""The units that are currencies."""
DOLLARS: Final = frozenset("usd cad aud nzd hkd sgd twd mxn".split())
BEFORE_AMOUNT: Final = MONEY - {"dollar", "cent", "pound", "crown"} | {"rs", "rmb", "cdn$"}
"""Codes of currencies: they may stand before the number, as their signs do."""
OF_COUNTRIES: Final = {
    (adjective, noun): unit
    for adjective, unit in (
        ("american", "usd"), ("us", "usd"), ("canadian", "cad"), ("australian", "aud"), ("zealand", "nzd"),
        ("kong", "hkd"), ("singapore", "sgd"), ("taiwan", "twd"), ("kanadische", "cad"),
        ("kanadischer", "cad"),
        ("australische", "aud"), ("australischer", "aud"), ("british", "gbp"), ("egyptian", "egp"),
    )
    for noun in ("dollar", "pound")
}  # fmt: skip
"""Currencies whose name is an adjective and a noun, the noun by its unit."""
OF_KINDS: Final = {
    ("nautical", "mile"): ("m", Fraction(1852)),
    ("sea", "mile"): ("m", Fraction(1852)),
    ("light", "months"): ("m", Fraction(9_460_730_472_580_800)),
    ("metric", "g"): ("g", Fraction(1_000_000)),
    ("short", "g"): ("short ton", Fraction(1)),
    ("long", "g"): ("long ton", Fraction(1)),
    ("fluid", "oz"): ("fl oz", Fraction(1)),
    ("fl", "oz"): ("fl oz", Fraction(1)),
    ("troy", "oz"): ("troy oz", Fraction(1)),
}
"""Units of two words that are another than the second alone."""
UNITS: Final[dict[str, tuple[str, Fraction]]] = {
    name: (unit, Fraction(factor)) for unit, factor, names in _UNIT_NAMES for name in keys_of(names)
}
PER: Final = frozenset("per a an pro je par por al im".split())
RATES: Final = {
    "yearly": "year", "annually": "year", "annual": "year", "annum": "year", "monthly": "month",
    "weekly": "week", "daily": "day", "hourly": "hour", "jährlich": "jahr", "monatlich": "monat",
    "wöchentlich": "woche", "täglich": "tag", "jahre": "jahr", "monate": "monat", "tage": "tag",
}  # fmt: skip

NEGATIONS: Final = frozenset(
    "not no never neither nor none nobody nothing without cannot cant non nicht kein keine keinen keinem "
    "keiner keines nie "
    "niemals ohne weder pas jamais sans aucun aucune nunca sin ningún ninguna tampoco não nunca nem sem mai "
    "senza niet geen nooit zonder не нет никогда без नहीं न मत बिना لا ليس ليست لم لن غير بدون".split()
)
CONTRASTS: Final = (
    "rather than",
    "instead of",
    "as opposed to",
    "unlike",
    "except",
    "statt",
    "anstatt",
    "anstelle",
)
CJK_NEGATIONS: Final = (
    "不",
    "没",
    "沒",
    "未",
    "无",
    "無",
    "非",
    "ない",
    "ません",
    "なし",
    "않",
    "없",
    "아니",
    "못",
)

YES: Final = frozenset(
    "yes yeah yep correct true ja jawohl oui sí si sim да "
    "हाँ हां جी نعم أجل 是 是的 对 對 可以 有 会 會 はい ええ 예 "
    "네".split()
)
NO: Final = frozenset(
    "no nope false nein non não nee нет नहीं لا 否 不 不是 不对 不可以 没有 不会 いいえ 아니요 아니오".split()
)

YES_NO_STARTS: Final = frozenset(
    "is are was were do does did can could will would has have had may should must am ist sind war waren hat "
    "haben kann können darf dürfen muss wird werden gibt est-ce peut".split()
)

_OPPOSITES: Final = (
    "increase increases increased rise rose up more higher gain grew | decrease decreases decreased fall "
    "fell "
    "down less lower loss shrank fewer",
    "before prior vor avant antes | after nach après después",
    "north northern norden nördlich | south southern süden südlich | east eastern osten östlich | west "
    "western "
    "westen westlich",
    "left links gauche izquierda | right rechts droite derecha",
    "open opened offen geöffnet ouvert abierto | closed shut geschlossen fermé cerrado",
    "minimum least mindestens | maximum most höchstens",
    "first earliest oldest | last latest newest",
    "male man men boy husband father son brother king uncle | female woman women girl wife mother "
    "daughter sister queen aunt",
    "father vater | son sohn | brother bruder | uncle onkel | husband | grandfather",
    "mother mutter | daughter tochter | sister schwester | aunt tante | wife | grandmother",
    "free included kostenlos | paid excluded kostenpflichtig",
    "allowed permitted erlaubt | forbidden prohibited banned verboten",
    "morning morgens | afternoon nachmittags | evening abends | night nachts",
    "accepted approved | rejected refused denied declined",
    "large larger largest big biggest long longest high highest | small smaller smallest short shortest "
    "low lowest",
    "true | false",
    "red rot | blue blau | green grün | yellow gelb | black schwarz | white weiß | brown | purple | "
    "orange | grey gray",
    "daily | weekly | monthly | yearly annually",
    "hour | day | week | month | year",
    "bc bce | ad ce",
    "am | pm",
)
OPPOSITES: Final[dict[str, frozenset[tuple[int, int]]]] = {}
for _row, _line in enumerate(_OPPOSITES):
    for _side, _names in enumerate(_line.split("|")):
        for _name in _names.split():
            OPPOSITES[_name] = OPPOSITES.get(_name, frozenset()) | {(_row, _side)}
