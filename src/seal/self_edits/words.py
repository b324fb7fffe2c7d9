"""English words as far as grounding needs them: tokens, stems, words of weak meaning, negation.

Knows general English: irregular verbs, function words, words that mean little by themselves. Which words
state the same relation: relations.py. Knows nothing about documents. Made-up or foreign words pass through
unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

TokenKind = Literal["name", "number", "word", "function"]

_TOKEN: Final = re.compile(
    r"\d+(?:[.,]\d+)*(?:[^\W\d_]+)?|[^\W\d_](?:\.[^\W\d_])+\.?|[^\W_]+(?:[’'][^\W_]+)*|&"
)
_BEGINS: Final = re.compile(r"[.!?:\"“‘(]")
_POSSESSIVE: Final = re.compile(r"[’'](?:s|S)?$")
_NEEDS_E: Final = re.compile(r"[^aeiou][aeiou][^aeiouwxy]")  # "mak" of "making"
_ORDINAL: Final = re.compile(r"(?<!\d)(\d++)(?:st|nd|rd|th)")

_FUNCTION: Final = frozenset(
    "a an the this that these those some any each every all both such same other another own one of "
    "to in on at by for from with without into onto upon over under about as than then but and or nor "
    "so yet if when while where who whom whose which what why how there here it its itself he him his "
    "himself she her hers herself they them their theirs themselves we us our you your i me my am is "
    "are was were be been being do does did done have has had having will would shall should can "
    "could may might must not no never n't very also too just only even more most much many few less "
    "least up down out off again further once during before after above below between through because "
    "until against among per via within along across toward towards since around near beside despite "
    "however thus therefore hence although though whether either neither rather quite s t & etc ever "
    "still already now".split()
)
# Words that mean little by themselves. A line may have one that its source lacks and still say the same.
_WEAK: Final = frozenset(
    "get give go come take make keep let put see seem become begin start bring call find show use "
    "need want try turn lead leave hold mean play move live lie stand set run include involve provide "
    "consider know think say tell state mention note describe refer relate concern regard base allow "
    "enable help serve spend reach draw fill count belong join share receive remain continue follow "
    "appear exist occur happen contain consist owe represent feature display cause result form act "
    "look feel grow rise carry offer gain lose time day way thing part place name kind type sort case "
    "fact point number amount year century period age world life people person man woman group member "
    "area side end line role example reason idea matter level degree term word text passage article "
    "author subject information detail event process system main major important significant notable "
    "various several different certain particular specific general common special great large small "
    "big high low long short old new young early late good bad best better well first last next total "
    "free full whole true real main large likely possible able due known famous popular primary key "
    "light approximately about around roughly nearly almost mostly mainly largely often usually "
    "generally typically especially particularly specifically currently originally previously later "
    "today together really always business every home office country water body profession work city "
    "town region company firm book product".split()
)
_IRREGULAR: Final[dict[str, str]] = {
    pair.partition(":")[0]: pair.partition(":")[2]
    for pair in (
        "wrote:write written:write made:make sold:sell led:lead ran:run held:hold grew:grow grown:grow "
        "came:come "
        "went:go gone:go built:build won:win began:begin begun:begin known:know knew:know drew:draw "
        "drawn:draw "
        "took:take taken:take gave:give given:give left:leave became:become chose:choose chosen:choose "
        "fought:fight brought:bring taught:teach lost:lose met:meet paid:pay said:say saw:see seen:see "
        "sent:send "
        "spoke:speak spoken:speak spent:spend stood:stand thought:think told:tell wore:wear worn:wear "
        "lay:lie "
        "lying:lie lies:lie kept:keep bought:buy sought:seek fell:fall fallen:fall rose:rise risen:rise "
        "shown:show meant:mean dealt:deal broke:break broken:break drove:drive driven:drive ate:eat "
        "eaten:eat "
        "flew:fly flown:fly forgot:forget got:get gotten:get hid:hide hidden:hide laid:lay lit:light "
        "rode:ride "
        "rang:ring sang:sing sung:sing sank:sink sat:sit slept:sleep struck:strike swore:swear threw:throw "
        "thrown:throw understood:understand woke:wake wed:wed wedded:wed men:man women:woman children:child "
        "people:people feet:foot better:good best:good worse:bad worst:bad  bore:bear dying:die died:die "
        "dies:die using:use used:use uses:use ceased:cease found:find founding:founded founded:founded "
        "founder:founded founders:foundeder "
        "headquartered:headquarter"
    ).split()
}
_SOFT: Final = frozenset(
    "fail failure lack refuse deny reject absent absence unable unsuccessful unsuccessfully prevent "
    "stop cease hardly rarely barely few little unlike avoid neither nor without except decline "
    "forbid ban prohibit oppose cannot lose unknown impossible unwilling uncertain unclear free "
    "instead rather only".split()
)
GUESSES: Final = frozenset(
    "may might could should likely unlikely possibly perhaps potentially probably presumably suggest "
    "suggests suggesting seemingly".split()
)
_NEGATIONS: Final = frozenset(
    "not no never n't none nobody nothing nowhere neither nor cannot without".split()
)
_NO_DENIAL: Final = frozenset(
    (first, word)
    for first, words in (
        ("not", "surprisingly unexpectedly only merely least"),
        ("no", "doubt wonder less fewer later sooner"),
    )
    for word in words.split()
)
_ANTONYMS: Final = frozenset(
    frozenset(pair.split(":"))
    for pair in (
        "win:lose increase:decrease rise:fall more:less before:after first:last north:south east:west "
        "early:late "
        "northern:southern eastern:western large:small high:low hot:cold old:new open:close begin:end "
        "alive:dead young:old major:minor majority:minority maximum:minimum legal:illegal allow:forbid "
        "include:exclude "
        "accept:reject public:private rural:urban male:female best:worst upper:lower above:below "
        "always:never "
        "good:bad strong:weak rich:poor success:failure succeed:fail increase:reduce gain:lose same:different"
    ).split()
)


@dataclass(frozen=True)
class Token:
    """One word: as written, folded, its stem, what kind it is, and where it stands."""

    text: str
    folded: str
    stem: str
    kind: TokenKind
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words of a sentence. Where a sentence begins, every word has a capital letter, so the kind "name"
    of its first word says little: the caller has to decide."""
    words: list[Token] = []
    for match in _TOKEN.finditer(text):
        begins = not words or _BEGINS.search(text, words[-1].end, match.start()) is not None
        written = _POSSESSIVE.sub("", match[0]) or match[0]
        folded = written.casefold().replace("’", "'")
        words.append(
            Token(written, folded, stem(folded), _kind(written, folded, begins), match.start(), match.end())
        )
    return words


def _kind(written: str, folded: str, begins: bool) -> TokenKind:
    if written[:1].isdigit():
        return "number"
    # "She" within a sentence is a name, as is "US"
    if folded in _FUNCTION and (written.islower() or (begins and written.istitle()) or folded in ("i", "&")):
        return "function"
    return "name" if any(map(str.isupper, written)) else "word"


def number(folded: str) -> str:
    """A number in one form: "1,100" and "1100" are the same, and "3rd" and "3"."""
    bare = folded.replace(",", "")
    ordinal = _ORDINAL.fullmatch(bare)
    return ordinal[1] if ordinal else bare


@lru_cache(maxsize=1 << 15)
def stem(folded: str) -> str:
    """A word without its inflection, in English; any other word nearly unchanged."""
    if folded in _IRREGULAR:
        return _without_e(_IRREGULAR[folded])
    for suffix, put, least in (
        ("ies", "y", 3),
        ("ied", "y", 3),
        ("sses", "ss", 2),
        ("shes", "sh", 2),
        ("ches", "ch", 2),
        ("xes", "x", 2),
        ("ing", "", 3),
        ("ed", "", 3),
        ("s", "", 3),
    ):
        if folded.endswith(suffix) and len(folded) - len(suffix) >= least:
            if suffix == "s" and folded.endswith(("ss", "us", "is")):
                return folded
            bare = folded[: -len(suffix)] + put
            if suffix in ("ing", "ed"):
                if len(bare) > 3 and bare[-1] == bare[-2] and bare[-1] not in "lsz":
                    bare = bare[:-1]
                elif _NEEDS_E.fullmatch(bare):
                    bare += "e"
            return _without_e(bare)
    return _without_e(folded)


def _without_e(bare: str) -> str:
    return bare.removesuffix("e") if len(bare) > 4 else bare


_WEAK_STEMS: Final = frozenset(map(stem, _WEAK))
_SOFT_STEMS: Final = frozenset(map(stem, _SOFT))
_PAIRS_OF_OPPOSITES: Final = frozenset(frozenset(map(stem, pair)) for pair in _ANTONYMS)


@lru_cache(maxsize=1 << 18)
def same(one: str, other: str) -> bool:
    """Whether two stems are of one word or of one family ("employ" and "employment")."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 4 or len(longer) - len(shorter) > 5:
        return False
    common = next((i for i, letter in enumerate(shorter) if letter != longer[i]), len(shorter))
    return common >= 4 and common >= len(shorter) - 1 and common >= 0.5 * len(longer)


def is_function(folded: str) -> bool:
    """Whether a word only joins others ("of", "the", "was")."""
    return folded in _FUNCTION


def is_weak(stemmed: str) -> bool:
    """Whether a word means little by itself."""
    return stemmed in _WEAK_STEMS


def opposite(one: str, other: str) -> bool:
    """Whether two stems deny one another ("win" and "lose")."""
    return frozenset((one, other)) in _PAIRS_OF_OPPOSITES


def negations(line: Sequence[Token]) -> int:
    """How many words deny what is said; "n't" counts. Not those of a set phrase ("not surprisingly")."""
    words = [token.folded for token in line]
    return sum(
        (word in _NEGATIONS or word.endswith("n't")) and tuple(words[at : at + 2]) not in _NO_DENIAL
        for at, word in enumerate(words)
    )


def is_soft_negation(line: Iterable[Token]) -> bool:
    """Whether a word in it may stand for a denial in other words ("failed to", "lacks")."""
    return any(token.stem in _SOFT_STEMS for token in line)
