"""Tables of words that the exact checks need to tell names from other words.

Knows words only; what is done with them: exact_checks.py.
"""

from __future__ import annotations

import re
from typing import Final

# Words that may have a capital and are no names, in the languages with capitals; and the small words of
# scripts without them, which a line may have and its source not.
FUNCTION_WORDS: Final = frozenset(
    (
        "the a an this that these those some any each every all both such same other another own one "
        "of to in on "
        "at by for from with without into onto upon over under about as than then but and or nor so "
        "yet if when "
        "while where who whom whose which what why how there here it its itself he him his himself "
        "she her hers "
        "herself they them their theirs themselves we us our you your my me am is are was were be "
        "been being do "
        "does did done have has had having will would shall should can could may might must not no "
        "never very "
        "also too just only even more most much many few less least up down out off again once during before "
        "after above below between through because until against among per via within along across "
        "toward towards "
        "since around near beside despite however thus therefore hence although though whether "
        "either neither "
        "rather quite still already now yes true false question answer let according unlike like instead "
        "der die das den dem des ein eine einen einem einer eines und oder aber nicht kein keine ist "
        "sind war "
        "waren wird wurde wurden hat haben hatte im am zum zur vom beim in an auf aus bei mit nach "
        "seit von zu für "
        "durch gegen ohne um als wie wenn weil dass ob wer was wann wo warum welche welcher welches "
        "welchen welchem "
        "wem wen wie viele viel er sie es wir ihr ich sein seine ihre ihren ihrem seinem seiner "
        "dieser diese dieses "
        "ja nein auch nur noch schon sehr man dort hier dann "
        "le la les un une des du de et ou mais ne pas est sont était fut furent sera ont a au aux en dans "
        "sur sous par pour avec "
        "sans que qui quoi quel quelle quels quelles quand où comment pourquoi combien il elle ils "
        "elles ce cette "
        "ces son sa ses leur leurs oui non se on "
        "el los las unos unas y o pero no es son era fue fueron del al en sobre con sin por para que "
        "quien quién "
        "qué cuál cuándo dónde cómo cuánto cuántos cuántas su sus este esta estos estas sí él ella "
        "ellos se lo "
        "il lo gli di che è e un uno una o do os as da dos das em um uma het een van op "
        "और का की के को में से पर है हैं था थी थे एक यह वह ये वे कि जो तो भी ही ने हुआ हुई हुए गया "
        "गई गए कर किया "
        "की करता करती करते होता होती होते देने देना क्या कौन कब कहाँ कहां कैसे क्यों कितना कितने कितनी किस "
        "किसने किसे नहीं "
        "साथ लिए बाद पहले द्वारा तथा एवं अपने अपनी अपना उसके उसकी उसका उन्होंने उसने इस उस इसके इसकी "
        "इसका रहा रही रहे "
        "في من إلى على عن مع هو هي هم كان كانت هذا هذه ذلك التي الذي الذين أن إن ما ماذا متى أين كيف "
        "كم من لماذا "
        "هل لا لم لن ليس ليست قد كل بعد قبل عند أو ثم حيث بين أي أيضا عام سنة تم يكون تكون "
        "של את על עם הוא היא הם זה זאת אשר כי לא מה מי מתי איפה איך כמה למה היה היתה "
        "무엇 누구 언제 어디 어떻게 왜 얼마 몇"
    ).split()
)
# Words that often begin a sentence with a capital and name nobody.
STARTERS: Final = frozenset(
    (
        "people there today later early first second third finally several various most many another often "
        "sometimes always usually once born built founded located established made known named "
        "called used based "
        "given due next last new old good great high low long short large small big key main major important "
        "use see note please ask call write open close check visit contact choose select click make "
        "keep take "
        "get give go come bring set put add remove explain describe name list identify discuss "
        "compare tell state "
        "nobody nothing everyone everything anyone someone half part name "
        "heute später zuerst schließlich damals außerdem danach jedoch alle jeder jede manche ursprünglich "
        "aujourd'hui ensuite enfin ainsi donc hoy luego además también entonces"
    ).split()
)
# German nouns that a question or a short sentence may have anyway.
COMMON_NOUNS: Final = frozenset(
    "jahr jahre jahren jahres tag tage tagen monat monate stadt ort name namen teil frage antwort "
    "mensch menschen "
    "person personen zeit beginn ende grund zahl anzahl uhr text passage herr frau".split()
)
# A German noun behind one of these is what a question asks for.
ASKED_AFTER: Final = ("welch", "viele", "wieviel")
# Names of one country and its people, which do not begin alike or end in a common ending.
_ALIKE: Final = (
    "france french|netherlands dutch holland|greece greek greeks|spain spanish|britain british|"
    "denmark danish|"
    "sweden swedish|poland polish|turkey turkish turks|switzerland swiss|wales welsh|england english|"
    "scotland scottish scots|ireland irish|thailand thai|finland finnish|germany german germans|"
    "europe european europeans|russia russian russians|america american americans|china chinese|"
    "japan japanese|"
    "italy italian italians|usa us|jews jewish judaism|norway norwegian|portugal portuguese|"
    "brazil brazilian|"
    "rome roman romans|egypt egyptian egyptians|christians christian christianity|hindu hindus hinduism"
)
PEOPLES: Final = {
    one: tuple(other for other in group.split() if other != one)
    for group in _ALIKE.split("|")
    for one in group.split()
}

WIDE_FUNCTION: Final = frozenset(
    "的了是在有和与與及也就都而被把对對从從到为為于於之其这這那个個些它他她们們我你您不没沒无無会會能可以要将將已曾还還又"
    "所以因此但并並或则則如果当當后後前时時中上下里裡内內外年月日号號一二三四五六七八九十百千万零两第点點分"
    "はがをにでとのもへやからまでよりですますたるいしてれなっあそこうおくきけさせつぬねひふほみむめゆらりろわんぁだばえす"
)
WIDE_KINDS: Final = {
    char: kind
    for kind in (
        "国國州省県縣市区區町村郡府",
        "东東西南北",
        "左右",
        "父母",
        "兄弟姐妹姉",
        "夫妻",
        "男女",
        "春夏秋冬",
        "朝昼夕夜",
        "新旧舊古",
        "大小",
        "长長短",
        "高低",
        "早晚",
        "增減减増",
        "买買卖賣売",
        "公私",
    )
    for char in kind
}
"""Characters that exclude one another, by each the whole kind. Two spellings of one stand in one kind."""
WIDE_QUESTION: Final = re.compile(
    "(?:什么|什麼|哪[个個座所家位条部些一]?)(?:城市|国家|國家|地方|大学|大學|学校|學校|公司|年份|月份|语言|省)|"
    "什么时候|什么样|多久|多大|多高|多长|多重|几点|什么|什麼|哪里|哪裡|哪个|哪個|哪一|哪些|哪|谁|誰|多少|几|幾|怎么|怎麼|怎样|为什么|何时|何地|吗|嗎|呢|是否|"
    "どこ|どの|どれ|だれ|いつ|なに|なぜ|どう|いくら|いくつ|何年|何人|何|誰"
)
