"""Whether an answer declines to answer: "I do not know", "the text does not say", in several languages.

Knows nothing about the question. A statement that something does not happen is no refusal, nor is a plain no.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SOURCE = (
    r"(?:the|this|that|your|der|die|das|dem|den|le|la|el|il|o|l'|de)\s?"
    r"(?:given |provided |above |vorliegende[nr]? |proporcionado )?"
    r"(?:text|passage|document|article|context|source|page|section|paragraph|excerpt|information|question"
    r"|answer|author"
    r"|dokument|abschnitt|artikel|kontext|auszug|texte|extrait|contexte|texto|documento|pasaje|contexto"
    r"|testo|brano)e?s?"
)
_SAID = (
    r"(?:mention|stat|specif[iy]|provid|giv|indicat|disclos|reveal|say|said|explain|describ|contain"
    r"|includ|list|tell|know|clear|defin|discuss)"
)
_PATTERNS: Final = (
    r"\bi (?:really |honestly )?(?:do not|don't|dont|did not|didn't|cannot|can't|could not|couldn't"
    r"|am unable to|'m unable to|am not able to) "
    r"(?:actually |really )?(?:know|answer|say|tell|find|determine|recall|remember|provide|have (?:any"
    r"|enough|that|the|access|sufficient|specific) ?\w*)",
    r"\bi(?:'m| am) (?:not sure|unsure|not certain|not aware|sorry|afraid i)",
    r"\b(?:it|this|that|there|which) (?:is|was|are|were) (?:not|n't|never) (?:\w+ )?" + _SAID + r"\w*\b",
    r"^(?:the |an? |that )?(?:(?:\w+) ){0,6}(?:is|are|was|were) (?:not|never) (?:explicitly "
    r"|specifically |directly |clearly )?"
    r"(?:mentioned|stated|specified|provided|given|indicated|disclosed|known|available)\b",
    r"^(?:not|never|none|un)[ -]?(?:explicitly |specifically |directly )?(?:mentioned|stated|specified"
    r"|provided|given|indicated|known|available"
    r"|sure|applicable|answerable|clear|enough information|found|said|disclosed)\b",
    _SOURCE + r" (?:does not|doesn't|do not|don't|did not|didn't|never|fails to) (?:\w+ )?" + _SAID,
    _SOURCE + r" (?:has|contains|gives|provides|offers) no\b",
    r"\b(?:there is|there's|contains|provides|gives|has) (?:no|not enough|insufficient) (?:specific "
    r"|further |explicit )?(?:information|mention|data|details?|answer|indication)\b",
    r"^(?:no|insufficient) (?:information|answer|mention|data|idea)\b",
    r"\b(?:cannot|can't|can not|could not) be (?:determined|answered|known|inferred|found|established)\b",
    r"^(?:n/?a|unknown|none|no idea|unanswerable|\?+|-+|unbekannt|inconnue?|desconocid[oa]|k\. ?a\.)\W*$",
    r"\b(?:ich )?weiss (?:ich )?(?:es |das )?(?:leider )?nicht\b",
    r"\bkann (?:ich |das |man )*(?:leider )?nicht (?:\w+ )?(?:beantwort|sagen|bestimm|ermittel)",
    r"\bnicht (?:\w+ )?(?:erwähnt|angegeben|genannt|bekannt|spezifiziert|ersichtlich|beantwortbar"
    r"|zu entnehmen|enthalten im text)\b",
    r"\bgeht (?:\w+ ){0,4}nicht hervor\b",
    r"\b(?:steht|findet sich) (?:\w+ )?nicht (?:im|in dem) (?:text|dokument)",
    _SOURCE + r" (?:sagt|nennt|erwähnt|enthält|gibt|macht|liefert) (?:\w+ ){0,3}(?:nicht|keine?)",
    r"\bkeine (?:angaben?|informationen?|auskunft|antwort|ahnung)\b",
    r"\bje (?:ne )?sais pas\b|\bje l'ignore\b|\bj'ignore\b",
    r"\bn(?:'est|e sont|'a|'ont) pas (?:été )?(?:\w+ )?(?:mentionn|précis|indiqu|spécifi|connu|donn|dit)",
    _SOURCE + r" ne (?:l[ea]?s? ?|l')?(?:dit|mentionne|précise|indique|donne|contient|fournit)",
    r"\b(?:aucune|pas d[e'] ?)\s?(?:information|mention|indication|réponse)\b|^(?:non|pas) (?:mentionné"
    r"|précisé|indiqué)",
    r"^(?:lo siento\W+)?(?:yo )?no (?:lo )?s[ée]\b|\bno (?:lo )?sé\b",
    r"\bno (?:se|está|es|fue) (?:\w+ )?(?:menciona|indica|especifica|dice|conoce|sabe|proporciona|da"
    r"|mencionad|indicad|especificad)",
    _SOURCE + r" no (?:lo |la )?(?:dice|menciona|indica|especifica|proporciona|contiene|da)\b",
    r"\bno hay (?:\w+ )?(?:información|datos|mención)\b|^no (?:mencionad|indicad|especificad)",
    r"\bnon (?:lo )?so\b|\bnon (?:è|viene) (?:\w+ )?(?:menzionat|indicat|specificat)|"
    + _SOURCE
    + r" non (?:lo )?(?:dice|menziona|indica|specifica)",
    r"\bnão sei\b|\bnão (?:é|está|foi) (?:\w+ )?(?:mencionad|indicad|especificad)|"
    + _SOURCE
    + r" não (?:o )?(?:diz|menciona|indica)",
    r"\bik weet (?:het )?niet\b|\bniet (?:vermeld|genoemd|bekend)\b",
    r"\bне знаю\b|\bне (?:указан|упоминает|сказан|известн)|\bнет информации\b|\bнеизвестно\b",
    r"不知道|不清楚|不确定|不確定|不详|未提及|未提到|未说明|未說明|未提供|未知|未给出|没有提到|没有提及|沒有提到|没有说明|没有说|没有提供|没有相关|没提到|没有信息|无法确定|無法確定"
    r"|无法回答|無法回答"
    r"|无法得知|无法判断|无相关信息|并未说明|并未提",
    r"(?:分か|わか|解)り(?:ません|かね)|(?:分|わ)からない|知りません|(?:記載|言及|記述|明記|説明)(?:が|は|されて)?(?:あり|い)?(?:ません|ない|いない|いません)"
    r"|記載なし|不明(?:です|。|$)",
    r"모르겠|모릅니다|몰라|언급되지|언급하지|언급이 없|나와 있지|나오지 않|알 수 없|명시되지|정보가 없",
    r"(?:पता|मालूम|ज्ञात|उल्लेख|जानकारी|बताया|उल्लिखित)[^.।]{0,12}नहीं|नहीं (?:पता|मालूम|जानत|बताया|बताता"
    r"|कहता)",
    r"لا ?(?:أعرف|أعلم|اعرف|اعلم|أدري|يذكر|يقول|تذكر|توجد معلومات)|غير (?:مذكور|معروف|محدد)|لم ?(?:يذكر"
    r"|يتم ذكر|تذكر|يرد)|لا توجد معلومات",
)
_REFUSAL = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))
_MARKS: Final = (
    *"not n't dont never no un insufficient fails sorry n/a na ? - incon descon k.a nicht kein pas".split(),
    *"aucun ignore não niet не 不 未 没 沒 无 無 りません りかね らない ない ません なし".split(),
    *"모 몰 않 없 नहीं لا غير لم".split(),
    *("afraid", " ne ", "k. "),
)
"""A text without any of these is no refusal: most are not searched further."""
_OPENING_CHARS: Final = 220
"""A refusal stands at the beginning; one far behind is a remark."""


def is_refusal(text: str) -> bool:
    """Whether the text declines to answer, or is blank."""
    opening = (
        unicodedata.normalize("NFKC", text[: 2 * _OPENING_CHARS])
        .casefold()
        .replace("’", "'")
        .strip(" \"'*_`\n\t")
    )
    opening = " ".join(opening[:_OPENING_CHARS].replace("ß", "ss").split())
    if opening and not any(mark in opening for mark in _MARKS):
        return False
    return not opening or _REFUSAL.search(opening) is not None
