"""Text that speaks to the model instead of telling it something, sentence by sentence.

Knows wordings and hidden characters. Knows nothing about intent: an article about such attacks is flagged
too, and an attack in a new wording is missed. It is one of several guards and must never be the only one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

COMMAND: Final = "is a command about answering"
_BEGIN: Final = (
    r"(?:^|[.:;,!?\"'“”‘’(\[{*#>—–-]\s*|\b(?:please|now|then|and|also|instead|must|should|shall|will|you"
    r"|to|always"
    r"|never|just|simply)\s+)"
)
_SAY: Final = (
    r"(?:answer|reply|respond|say|state|tell|claim|return|output|write|insist|mention|give|refuse|deny|admit"
    r"|pretend|print|confirm|recommend)"
)
_FILL: Final = (
    r"(?:(?:you|please|always|simply|just|only|never|must|should|shall|will|do|not|don't|instead|the|model"
    r"|assistant"
    r"|ai|it|now|then)\s+){0,5}"
)
_MODEL: Final = (
    r"(?:a\.?i\.?(?: (?:model|assistant|system|agent)s?)?|assistants?|(?:large )?language models?|llms?"
    r"|chat ?bots?"
    r"|(?:neural|ai) (?:network|model)s?|gpt\w*)"
)
# What a command to a model begins with, and what it is about; a manual's commands are about other things.
_OPENING: Final = (
    r"^\W{0,40}(?:(?:please|kindly|now|then|instead|always|never|just|simply|do not|don't|you|the "
    r"(?:assistant"
    r"|model|ai)"
    r"|must|should|shall|(?:when(?:ever)?|if|once|for (?:any|every|all|each)|in (?:any|every|all|each|your)"
    r"|from|as|to|starting|regardless)\b[^.!?\n]{0,90}?[,:])[\s,]+){0,4}"
)
_COMMANDS: Final = (
    r"(?:answer|reply|respond|say|state|tell|claim|assert|insist|pretend|assume|ignore|disregard|forget"
    r"|obey|follow"
    r"|comply|repeat|reveal|print|output|paste|recite|execute|run|stop|cease|start|begin|end|treat|hide"
    r"|conceal|act"
    r"|behave|speak|talk|mention|refuse|deny|remember|memori[sz]e|imagine|listen|delete|erase|update"
    r"|set aside|keep"
    r"|let us|let's|promote|praise|convince|believe|learn|write|give|send|share|provide|use|add|include"
    r"|append|put"
    r"|replace|switch|adopt|consider|do|make|generate|produce|translate|summari[sz]e|describe|explain|advise"
    r"|recommend|accept|trust|read|show|avoid|omit|drop|change|warn)"
)
_ABOUT: Final = (
    r"(?:answers?|repl(?:y|ies)|respon(?:ses?|ds?)|questions?|quer(?:y|ies)|conversations?|chats?|users?"
    r"|prompts?"
    r"|instructions?|instructed|commands?|orders?|directives?|rules?|words?|sentences?|texts?|above"
    r"|assistants?"
    r"|models?|ais?|llms?|guidance|guidelines?|beliefs?|memor(?:y|ies)|helpful|as i say|i say|you|your"
    r"|yourself"
    r"|someone asks|anyone asks|asks?|asked|told|system|developers?|training|knowledge|outputs?|persona"
    r"|character)"
)
_WORDINGS: Final = {
    "tells the model to set aside its instructions": (
        rf"{_BEGIN}(?:ignore|disregard|forget|override|bypass|overrule|drop|skip|do not follow"
        rf"|don't follow|stop following)"
        r"\b[^.!?\n]{0,40}\b(?:instructions?|prompts?|guidelines?|directions?|directives?|commands?"
        r"|constraints?"
        r"|restrictions?|programming|(?:previous|prior|earlier|your|system|safety|above"
        r"|all) (?:\w+ )?(?:rules?|training"
        r"|context|conversation|messages?|text|policies))\b"
        rf"|{_BEGIN}(?:forget|disregard|ignore) (?:everything|anything|all)\b[^.!?\n]{{0,20}}"
        r"\b(?:you|above|before|told|learn\w*|know)\b"
        r"|\b(?:new|updated|real|true|actual|following) instructions? (?:for you|from|override|supersede"
        r"|replace)"
        r"|\bignorier\w*\b[^.!?\n]{0,40}\b(?:anweisung|anleitung|regel|befehl)\w*|\b(?:ignor\w+"
        r"|oubli\w+)\b[^.!?\n]{0,40}"
        r"\binstruc\w+|\b(?:игнорируй|забудь)\w*\b[^.!?\n]{0,40}\bинструкци\w*"
        r"|(?:忽略|无视|忘记).{0,12}(?:指令|指示|提示|说明)|(?:指示|命令)を?.{0,4}無視"
    ),
    "gives the model a role": (
        r"\byou (?:are|will be|shall be|must be|have been) (?:now|no longer|henceforth|from now on"
        r"|an? (?:\w+ )?"
        rf"{_MODEL}|jailbroken|unrestricted|free of|reprogrammed)\b"
        r"|\bfrom (?:now|this (?:point|moment)) on(?:wards?)?,? (?:you (?:are|will|must|answer|always"
        r"|never|respond|act)|always|never|answer|respond|reply|say|act|the model)\b"
        r"|^\W{0,40}(?:please )?(?:pretend|act|behave|role-?play|imagine)\b[^.!?\n]{0,12}\b(?:as (?:if"
        r"|though) you|to be\b|that you"
        r"|you are|as (?:my|an? (?:ai|assistant|expert|hacker|evil|unrestricted|different)))"
        r"|\b(?:developer|god|admin|dan|debug|jailbreak) mode\b(?: is)? (?:enabled|on|activated|now)"
    ),
    "tells the model what to answer": (
        rf"\b(?:when(?:ever)?|if|once|each time|every time)\b[^.!?\n]{{0,40}}\b(?:asked|asks?|questioned"
        rf"|prompted|quer(?:y|ied|ies)"
        rf"|inquires?|wants? to know)\b[^.!?\n]{{0,120}}?(?:[,:;]|\b(?:you|always|please|must|should|then"
        rf"|never)\b)\s*{_FILL}{_SAY}\b"
        rf"|^\W{{0,40}}(?:please\s+)?(?:always|never|only)\s+{_SAY}\b"
        rf"|\b(?:to|for) (?:any|every|all|each) questions? (?:about|on|regarding|concerning|that)\b"
        r"|\b(?:the|your) (?:only |correct |right |proper )?(?:answer|reply|response) (?:to|for|must"
        r"|should)\b[^.!?\n]{0,80}"
        r"\b(?:must|should|shall|has to|needs to)\b"
        rf"|^\W{{0,40}}{_SAY}\b[^.!?\n]{{0,60}}\b(?:when(?:ever)?|if|every time)\b[^.!?\n]{{0,30}}\b(?:asked"
        rf"|asks?|question\w*|prompted)\b"
        r"|\byou (?:must|should|shall|will|have to|need to|are to|are required to) (?:now |always |never "
        r"|only )*"
        rf"(?:{_SAY}|believe|repeat|obey|follow|comply|learn|remember)\b"
        r"|^\W{0,40}(?:respond|reply|answer) (?:only |always )?(?:with|in|by|as|to)\b"
        r"|\byou (?:must|should) not (?:say|answer|reveal|mention|tell)\b"
        r"|\bremember (?:that )?(?:you|your)\b"
    ),
    "asks for the model's own prompt": (
        r"\b(?:reveal|repeat|print|show|output|display|leak|recite|tell|give|disclose|expose|send|dump"
        r"|share|write|what (?:is|are|was))"
        r"\b[^.!?\n]{0,40}\b(?:system|hidden|initial|original|secret|developer|pre)[ -]?(?:prompts?"
        r"|instructions?|messages?|rules)\b"
        r"|\byour (?:own )?(?:system |hidden |initial |original |secret )*(?:prompts?|instructions)\b"
        r"|\b(?:repeat|print|output|recite) (?:everything|all|the (?:text|words)) (?:above|before)\b"
    ),
    "tells the model to keep something from its user": (
        r"\b(?:do not|don't|don’t|never|without|must not|should not|cannot)\s+(?:\w+\s+)?(?:tell|inform"
        r"|telling|informing|notify"
        r"|notifying|warn|warning|alert|alerting|let|show|showing|mention|reveal|disclose)\b[^.!?\n]{0,40}"
        r"\b(?:users?|humans?|operators?|developers?|owners?|administrators?|moderators?)\b"
        rf"|{_BEGIN}(?:hide|conceal|keep) (?:this|that|it|these)\b[^.!?\n]{{0,30}}\b(?:users?|humans?"
        rf"|operators?|secret|everyone)\b"
        r"|^\W{0,40}(?:do not|don't|never) (?:tell|inform) (?:anyone|anybody|them|people)\b"
    ),
    "addresses the model": (
        rf"\b(?:dear|attention|note to|notes? for|message (?:to|for)|hey|hello|listen|instructions? (?:to"
        rf"|for)|warning to"
        rf"|notice (?:to|for)|if you are|as)\b[,:]?\s+(?:(?:the|an?|all|any|you"
        rf"|every)\s+)?{_MODEL}\b(?!\s+(?:research|develop|in\b))"
        rf"[^.!?\n]{{0,40}}(?:\byou\b|[:,!]|\breading\b|\bthis\b)"
        rf"|\b(?:the|this|any|every|all) {_MODEL}\b[^.!?\n]{{0,12}}\b(?:reading|processing|trained on"
        rf"|learning|that reads|which reads)"
        r"\b[^.!?\n]{0,20}\bthis\b"
        rf"|\b(?:the|this|any|every|all) (?:{_MODEL}|model) (?:must|should|shall|has to|is to|needs to"
        rf"|will) (?:now |always |never |not )*"
        rf"(?:{_SAY}|ignore|obey|follow|reveal|repeat|learn)\b"
    ),
    COMMAND: (
        rf"{_OPENING}{_COMMANDS}\b[^.!?\n]{{0,120}}\b{_ABOUT}\b"
        rf"|\b(?:when(?:ever)?|if|once|every time)\b[^.!?\n]{{0,80}}, (?:please |always |just |simply "
        rf"|only )?{_SAY}\b"
        r"|\b(?:when(?:ever)?|if)\b[^.!?\n]{0,40}\b(?:comes? up|is mentioned|is discussed"
        r"|mentions?)\b[^.!?\n]{0,8}, (?!the|it|he"
        r"|she|they|we|this|that|there|an?\b)"
        r"|\b(?:should|must|shall|has to|have to|is to|are to) (?:always |never |only |not )?be (?:told"
        r"|answered|informed that)\b"
        r"|\b(?:sole|only|acceptable|permitted|required|mandatory) (?:acceptable |correct "
        r"|permitted )?(?:answer|response|reply)\b"
        r"|\byour (?:new |only |real |true |main |earlier |previous |next |sole )*(?:tasks?|goals?|dut(?:y"
        r"|ies)|roles?|orders?|beliefs?"
        r"|memory|rules|developers?|creators?|answers?|responses?|repl(?:y|ies)|training|knowledge"
        r"|guidelines?|mission|objective"
        r"|purpose|persona|output)\b"
        r"|\byou (?:now )?(?:have|are given|are free of) (?:a |an |no )?(?:new |secret |real )*(?:goal"
        r"|task|rules?|role|identity|orders?"
        r"|mission|restrictions?|persona|limits?)\b"
        r"|\byou (?:read|received|were (?:given|told|trained|initiali[sz]ed|programmed|instructed))\b"
        rf"|^\W{{0,40}}(?:{_MODEL}|model|attention)\b\s?[,:!]"
        r"|\bas (?:the|your) (?:system )?(?:administrator|admin|developer|operator|creator|owner),? i\b"
    ),
    "asks the model to give away private data": (
        rf"(?:{_BEGIN}|\b(?:allowed|permitted|fine|ok|okay|safe|free|required|authori[sz]ed|happy|right) to )"
        r"(?:reveal|disclose|share|give|send|tell|leak|post|publish|hand over|provide|forward|list|output"
        r"|show|email|upload)\b"
        r"[^.!?\n]{0,40}\b(?:(?:private|personal|confidential|sensitive|secret)\s+(?:\w+\s+){0,2}?(?:data"
        r"|information|details|numbers?"
        r"|records?|address\w*|files?)|pass ?words?|credentials|api keys?|home address\w*|bank account\w*"
        r"|credit card\w*|identity numbers?"
        r"|passport numbers?|phone numbers?|pin(?: codes?| numbers?)?|door codes?|medical records?"
        r"|tax numbers?|secret codes?)\b"
    ),
}
_ROLE: Final = re.compile(
    r"(?:^|\n)[\s>*#_]{0,40}(?:system|assistant|user|human|developer|chatgpt|ai)(?: (?:message|prompt|note"
    r"|instructions?|override|update))?"
    r"[*_]*\s?[:：]"
    r"|<\|[\w /-]{1,40}\|?>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?(?:system|assistant|user"
    r"|instructions?)>"
    r"|\[(?:system|assistant|admin)(?: \w{1,12})?\]"
    r"|(?:^|\n)#{1,4}\s*(?:instructions?|system|response)\s*(?:[:：]|$|\n)"
    r"|\bBEGIN (?:SYSTEM|INSTRUCTIONS?|PROMPT)\b|</?s>(?=\s|$)",
    re.I,
)
# Wordings that speak to the reader. A text that reports facts rarely has them outside of quotations.
_SPOKEN: Final = re.compile(
    r"\b(?:you|your|yours|yourself)\b|^\W{0,40}(?:please|kindly|make sure|be sure|do not|don't|never|let us"
    r"|let's|answer|reply"
    r"|respond|say|tell|insist|pretend|assume|ignore|disregard|forget|obey|follow|comply|repeat|reveal"
    r"|print|output|paste"
    r"|quote|recite|execute|run|stop|cease|start|begin|finish|treat|hide|conceal|act|behave|speak|talk"
    r"|mention|refuse|deny"
    r"|remember|memori[sz]e|imagine|simulate|listen|delete|erase|update|keep|convince|believe|consider"
    r"|learn|write|give|hand"
    r"|send|provide|use|add|include|append|put|replace|switch|adopt|make|generate|produce|translate"
    r"|summari[sz]e|describe"
    r"|explain|advise|recommend|accept|trust|avoid|omit|drop|take|think|check|note|see|try"
    r"|ask)\b(?!\s*[:,'-])(?=\s+\w+\s+\w)",
    re.I,
)
_QUOTED: Final = re.compile(r"\"[^\"]*\"|“[^“”]*+”|«[^«»]*+»")
_PATTERNS: Final = {what: re.compile(pattern, re.I | re.M) for what, pattern in _WORDINGS.items()}

_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_ZERO_WIDTH: Final = re.compile(
    r"[\u200b\u2060-\u2064\ufeff]|(?<=[A-Za-z\u0400-\u04ff])[\u200c\u200d](?=[A-Za-z\u0400-\u04ff])"
)
_BIDI: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_TAGS: Final = re.compile(r"[\U000e0000-\U000e007f]|[\U000e0100-\U000e01ef]{4,}")
_FLAG: Final = re.compile(r"\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
# Letters of other alphabets that look like Latin ones, with which wordings are disguised.
_LOOKALIKES: Final = str.maketrans(
    "аеорсухіјѕԁһӏαορνικτυАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeopcyxijsdhlaopviktuABEKMHOPCTXIJSABEZHIKMNOPTYX"
)
_MIXED: Final = re.compile(r"(?<!\w)(?=[^\WA-Za-z]*+[A-Za-z])\w++")


def instructions(sentence: str) -> Iterator[str]:
    """What the sentence does that a text for human readers would not, such as giving the model an order."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", sentence))
    plain = _MIXED.sub(lambda word: word[0].translate(_LOOKALIKES), plain).replace("’", "'")
    flat = re.sub(r"[^\S\n]+", " ", plain).strip()
    joined = flat.replace("\n", " ")
    for what, pattern in _PATTERNS.items():
        if pattern.search(joined):
            yield what
    if _ROLE.search(flat):
        yield "has the marks of a conversation's roles"


def spoken(sentence: str) -> Iterator[str]:
    """Whether the sentence speaks to its reader, be that a person or a model."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", sentence)).replace("’", "'")
    if _SPOKEN.search(_QUOTED.sub("", plain)):
        yield "speaks to its reader"


def hidden(sentence: str) -> Iterator[str]:
    """What the sentence holds that a reader cannot see."""
    # A mark at the very beginning of a file is no disguise.
    seen = _FLAG.sub("", sentence)
    if _TAGS.search(seen):
        yield "holds invisible tag characters"
    if _ZERO_WIDTH.search(seen.removeprefix("\ufeff")):
        yield "holds invisible characters of no width"
    if _BIDI.search(seen):
        yield "holds characters that turn the direction of reading"
