"""Secrets and personal data by their shapes, sentence by sentence: keys, cards, accounts, addresses.

Knows shapes and check digits; whether a number is what its shape says, and whether it is a firm's:
contacts.py. Says what kind of thing was found, and never quotes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from seal.domains.knowledge.contacts import (
    is_account_of_firm,
    is_card,
    is_contact_line,
    is_of_goods,
    is_phone,
    is_role,
)

_SECRETS: Final = {
    "holds a private key": r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY|PuTTY-User-Key-File",
    "holds what has the shape of an API key": (
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{18,}"
        r"|\bsk-(?:[a-z]{2,8}-)?[\w-]{20,}|\b[sr]k_(?:live|test)_\w{16,}|\bxox[abeoprs]-[\w-]{10,}"
        r"|\bAIza[\w-]{30,}|\bhf_[A-Za-z0-9]{24,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[\w-]{30,}"
        r"|\bSG\.[\w-]{16,}\.[\w-]{16,}"
        r"|\bya29\.[\w-]{20,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
    ),
    "holds a URL with a password in it": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,64}:[^\s:/@]{3,64}@[\w.-]+",
}
_SECRET_FIELDS: Final = (
    r"(?:pass ?word|passwd|pwd|pw|(?:wlan|wifi|wi-fi|access|encryption) key|pass ?phrase|pass ?code"
    r"|pin(?: code| number)?|secret(?: code| key|_key)?"
    r"|api[ _-]?key|access[ _-]?(?:key|token)|auth[ _-]?token|bearer|client[ _-]?secret|private[ _-]?key"
    r"|door code|alarm code|security code|cvv|bank account(?: number)?|account number|credit card(?: number)?"
    r"|kennwort|passwort|mot de passe|contraseña|пароль|密码|密碼)"
)
_PERSONAL_FIELDS: Final = (
    r"(?:(?:private |home |mobile |cell ?|tele)?phone(?: number)?|mobile number|home address|private address"
    r"|(?:national |personal )?identity (?:card )?number|id(?:entity)? card(?: number)?|identification number"
    r"|passport(?: number| no\.?)?|tax(?:payer)?(?: identification)? number|social security(?: number"
    r"| no\.?)?|ssn"
    r"|national insurance(?: number)?|driv(?:er'?s?|er’s|ing) licen[sc]e(?: number)?"
    r"|medical record(?: number)?"
    r"|health insurance number|licen[sc]e plate)"
)
# The value of a field. After "is" only what looks like a value counts, after "=" and ":" nearly anything.
_STATED: Final = (
    r"(?:\s+(?:of|for|belonging to)\s+[^.:=\n]{1,60}?)?\s*"
    r"(?:(?P<sign>[:=：])|\b(?:is|was|are|reads|lautet|ist|est|es)\b)\s*"
)
_VALUE: Final = r"(?P<quote>[\"'“‘`«]?)(?P<value>[^\s\"'”’`»]{3,})"
_OWNER: Final = re.compile(r"(?:['’]s?|\b(?:his|her|my|their|your|our))\s{1,9}\w{0,12}\s{0,9}\Z", re.I)
_NO_VALUE: Final = frozenset(
    "secret private unknown confidential not protected required optional string none null true false "
    "the a an his her their its never always known hidden used stored encrypted hashed sent set kept "
    "shared safe needed given requested issued valid invalid weak strong long short too very also "
    "called often usually only that this what when where how who which one something anything nothing "
    "important public lost stolen changed reset available missing empty incorrect correct wrong right "
    "expired located made based found in on at by for to from with about under over most more less "
    "still now then being been".split()
)
_SECRET_FIELD: Final = re.compile(rf"\b{_SECRET_FIELDS}{_STATED}{_VALUE}", re.I)
_PERSONAL_FIELD: Final = re.compile(rf"\b{_PERSONAL_FIELDS}{_STATED}{_VALUE}", re.I)
_PATTERNS: Final = {what: re.compile(pattern) for what, pattern in _SECRETS.items()}
_DIGITS: Final = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){12,18}(?![\w-]|[.,]\d)")
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")

_MAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}\s?(?:@|\(at\)|\[at\])\s?(?:[\w-]{1,63}\.){1,4}[^\W\d_]{2,24}\b"
)
_PHONE: Final = re.compile(
    r"(?<![\w+.])(?:\+|00)[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,5}\)?){2,6}(?!\w)"
    r"|(?<!\w)\(\d{3}\) ?\d{3}[ .-]\d{4}(?!\w)|(?<![\w.-])[2-9]\d{2}([-.])\d{3}\1\d{4}(?![\w-])"
    r"|\b(?:phone|tel|telephone|mobile|cell|fax|call|whatsapp|telefon|téléphone)\b[^\w\n]{0,4}"
    r"(?:(?:number|no|me|him|her|us|on|at|is)\b[^\w\n]{0,3}){0,3}\(?\+?\d(?:[ ()./-]{0,2}\d){6,14}(?!\w)",
    re.I,
)
_IDENTITY: Final = re.compile(
    r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"  # a US social security number
    # a UK one
    r"|\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"
)
_STREET: Final = (
    r"(?:\d{1,5}[a-z]?,?\s+(?:[\w.'’-]+\s+){1,4}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard"
    r"|blvd|way"
    r"|court|ct|place|pl|square|terrace|close|crescent|row|alley)\b"
    r"|[\w.-]{0,30}(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee)\s+\d{1,4}[a-z]?\b"
    r"|\d{1,4},?\s+(?:rue|avenue|boulevard|place|chemin)\s+[\w'’-]+|(?:calle|via|rua|ulica"
    r"|ul\.)\s+(?:[\w.'’-]+\s+){1,4}\d{1,4}\b)"
)
_HOME: Final = re.compile(
    rf"\b(?:lives?|living|resides?|residing|home address|address is|wohnt|wohnhaft|habite"
    rf"|vive)\b[^.!?\n]{{0,40}}?{_STREET}"
    rf"|{_STREET}[^.!?\n]{{0,30}}?\b(?:[A-Z]{{2}}\s+\d{{5}}|[A-Z]{{1,2}}\d[A-Z\d]?\s?\d[A-Z]{{2}}|\d{{5}})\b",
    re.I,
)

# What is said of somebody's health.
_MEDICAL: Final = re.compile(
    r"\b(?i:patient)(?: name)?\s?[:：]\s?[A-ZÄÖÜ]\w"
    r"|(?:\b[A-ZÄÖÜ][\w-]{1,30}['’]s?|\b(?i:his|her|my)) (?i:medical (?:history|record|condition"
    r"|file)|diagnosis"
    r"|medication|hiv status|blood (?:type|group)|psychiatric \w{1,20}) (?i:is|are|was|shows?|says?|lists?)\b"
    r"|\b[A-ZÄÖÜ][\w-]{1,30} (?i:(?:is|was|has been|had been) (?:diagnosed with|hiv[- ]positive"
    r"|being treated for"
    r"|prescribed|admitted (?:to|with)))\b"
    r"|\b(?i:diagnosis|medication|blood (?:type|group)|hiv status) of [A-ZÄÖÜ][\w-]{1,30} [A-ZÄÖÜ][\w-]{1,30}"
)
_STREETS: Final = re.compile(_STREET, re.I)
_CONTACT: Final = re.compile(
    r"(?:(?:private |home |mobile |cell ?|tele)?phone|mobile|home|private address)", re.I
)


def secrets(sentence: str, *, firm: bool = False) -> Iterator[str]:
    """What secrets the sentence holds. `firm`: as for `personal`; its own account is meant to be known."""
    for what, pattern in _PATTERNS.items():
        if pattern.search(sentence):
            yield what
    if any(_is_stated(match, sentence) for match in _SECRET_FIELD.finditer(sentence)):
        yield "gives a password, code or account number"
    if any(is_card(match, sentence) for match in _DIGITS.finditer(sentence)):
        yield "holds a credit card number"
    if any(map(is_iban, _IBAN.findall(sentence))) and not is_account_of_firm(sentence, firm=firm):
        yield "holds an IBAN"


def personal(sentence: str, *, firm: bool = False) -> Iterator[str]:
    """What personal data the sentence holds. `firm`: it stands in a text by which a firm speaks to its
    customers, so that a telephone number in a contact line is the firm's."""
    if any(not is_role(match[0]) for match in _MAIL.finditer(sentence)):
        yield "holds an e-mail address"
    firms = is_contact_line(sentence, firm=firm)
    if not firms and any(is_phone(match, sentence) for match in _PHONE.finditer(sentence)):
        yield "holds a phone number"
    if any(not is_of_goods(match, sentence) for match in _IDENTITY.finditer(sentence)):
        yield "holds an identity number"
    fields = (match for match in _PERSONAL_FIELD.finditer(sentence) if _is_stated(match, sentence))
    if any(not (firms and _CONTACT.match(match[0])) for match in fields):
        yield "gives an identity, phone or record number, or an address"
    if _HOME.search(sentence) and not firms:
        yield "holds a home address"
    if _MEDICAL.search(sentence):
        yield "says something of a person's health"


def secret_values(sentence: str) -> Iterator[str]:
    """The secrets and numbers of a person that the sentence holds, as they stand there."""
    for pattern in (*_PATTERNS.values(), _IDENTITY):
        yield from (match[0] for match in pattern.finditer(sentence))
    yield from (m["value"] for m in _SECRET_FIELD.finditer(sentence) if _is_stated(m, sentence))
    yield from (
        m["value"]
        for m in _PERSONAL_FIELD.finditer(sentence)
        if _is_stated(m, sentence) and not _CONTACT.match(m[0])
    )
    yield from (m[0] for m in _DIGITS.finditer(sentence) if is_card(m, sentence))
    if not is_account_of_firm(sentence, firm=False):
        yield from (text for text in _IBAN.findall(sentence) if is_iban(text))


def contact_values(sentence: str) -> Iterator[str]:
    """The telephone numbers, e-mail and home addresses that the sentence holds, as they stand there."""
    yield from (match[0] for match in _MAIL.finditer(sentence) if not is_role(match[0]))
    firms = is_contact_line(sentence, firm=False)
    for match in _PHONE.finditer(sentence):
        if is_phone(match, sentence) and not firms:
            yield re.sub(r"^[^\d+(]+", "", match[0])
    yield from (
        m["value"]
        for m in _PERSONAL_FIELD.finditer(sentence)
        if _is_stated(m, sentence) and _CONTACT.match(m[0])
    )
    yield from (match[0] for match in _STREETS.finditer(sentence))


def _is_stated(match: re.Match[str], sentence: str) -> bool:
    """Whether a value is given for a field. It has to look like one (a digit, a quote), unless the field is
    said to be somebody's: then any word counts."""
    value = match["value"].rstrip(".,;:!?)")
    if value.casefold() in _NO_VALUE or len(value) < 3:
        return False
    coded = any(map(str.isdigit, value)) or bool(re.search(r"[^\w\s.,;:!?'’-]", value))
    owned = (
        " of " in match[0].casefold()
        or _OWNER.search(sentence[max(0, match.start() - 60) : match.start()]) is not None
    )
    return coded or bool(match["quote"]) or (bool(match["sign"]) and len(value) >= 6) or owned


def is_iban(text: str) -> bool:
    """Whether the check digits of an IBAN hold (ISO 13616), for it or a part of it at least 15 signs long."""
    bare = text.replace(" ", "")
    # The pattern may have taken words after the number along.
    return any(_checks(bare[:length]) for length in range(15, min(34, len(bare)) + 1))


def _checks(bare: str) -> bool:
    return int("".join(str(int(sign, 36)) for sign in bare[4:] + bare[:4])) % 97 == 1
