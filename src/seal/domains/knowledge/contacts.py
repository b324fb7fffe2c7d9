"""Whether a number is what its shape says it is, and whether contact data are a firm's or a person's.

Knows the numbers of cards, goods and phones, coordinates, and how firms speak of how they can be reached.
Finds nothing by itself: private_data.py finds by shape, and asks here.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "is_account_of_firm",
    "is_card",
    "is_contact_line",
    "is_phone",
    "is_role",
    "luhn",
    "speaks_as_firm",
]

_CARD_WORD: Final = re.compile(
    r"\b(?:credit|debit|cards?|visa|master ?card|amex|american express|maestro|diners|discover|jcb|union ?pay"
    r"|cvv|cvc|expir\w{1,6}|kreditkarte\w?|karten?nummer|carte|tarjeta|cardholder)\b",
    re.I,
)
_GOODS_WORD: Final = re.compile(
    r"\b(?:ean|gtin|upc|isbn|issn|imei|iccid|sku|barcodes?|bar codes?|article|art|item|order|tracking|parcel"
    r"|shipment|serial|part|product|invoice|batch|lot|model|artikel\w{0,8}|bestell\w{0,8}|asin|sscc)\b",
    re.I,
)
_ISSUED: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|(?:6011|64[4-9]\d|65\d\d|62\d\d)\d{12,15}|35(?:2[89]|[3-8]\d)\d{12}"
)
_PHONE_WORD: Final = re.compile(
    r"\b(?:phone|tel|telephone|mobile|cell|fax|call|calls|whatsapp|text|sms|hotline|helpline|ring|dial|telefon\w{0,8}"
    r"|téléphone|teléfono|handy|contact|reach)\b",
    re.I,
)
_PLACE_WORD: Final = re.compile(
    r"[°′″]|\b(?:lat|latitude|lon|lng|long|longitude|coordinates?|gps|utm|wgs ?84|geo|koordinaten"
    r"|breite|länge)\b",
    re.I,
)
_DECIMAL: Final = re.compile(
    r"[+-]?(?:1[0-8]\d|\d{1,2})\.\d{3,}(?:[ ,;/]{0,3}[+-]?(?:1[0-8]\d|\d{1,2})(?:\.\d*)?)?"
)
_ROLES: Final = frozenset(
    "care support info information sales contact hello help helpdesk desk service services "
    "office press media privacy "
    "billing orders order jobs job careers career admin team hr legal noreply customer customers "
    "customerservice "
    "customercare client clients kundenservice kontakt bestellung buchung reservations "
    "reservation bookings booking "
    "accounts accounting finance security abuse webmaster postmaster enquiries enquiry inquiries "
    "inquiry feedback "
    "returns return refunds shop store reception newsletter marketing dpo datenschutz soporte "
    "ventas atencion contacto "
    "assistance mail post hallo servicio verkauf vertrieb presse delivery shipping warranty "
    "claims complaints "
    "ticket tickets membership members donate events partners partner studio school library "
    "frontdesk hostmaster "
    "technik technical tech web general main central hotline spares parts repair repairs recruitment "
    "welcome".split()
)
_SMALL: Final = frozenset("no reply do not us eu uk de fr es it at ch nl en global int".split())
"""Parts of an address that say nothing by themselves."""
_FREE_MAIL: Final = re.compile(
    r"@\s?(?:gmail|googlemail|outlook|hotmail|live|yahoo|ymail|icloud|me|mac|aol|gmx|web|proton|protonmail|mail|qq"
    r"|163|126|yandex|t-online|freenet|orange|free|laposte|libero|btinternet|comcast)\.",
    re.I,
)
_FIRM: Final = re.compile(
    r"\b(?:customers?|customer (?:service|care|support)|support (?:team|line|desk)|service (?:team|line|desk)"
    r"|hot ?line|help ?(?:line|desk)|switchboard|reception|front desk|sales team|toll[- ]free"
    r"|free ?phone|freecall"
    r"|call cent(?:er|re)|our (?:\w{1,20} ){0,2}(?:office|shop|store|branch|team|line|address"
    r"|showroom|number|phone)"
    r"|registered office|head office|headquarters|opening hours|office hours|business hours|visit "
    r"us|call us|contact us"
    r"|reach us|write to us|phone us|ring us|returns? (?:to|address|department)|warehouse|ltd"
    r"|limited|gmbh|inc|llc|plc"
    r"|kundenservice|kundendienst|rufen sie uns|unser\w{0,2} (?:büro|laden|team)|öffnungszeiten"
    r"|service client)\b",
    re.I,
)
_SPEAKS: Final = re.compile(r"\b(?:we|us|our|ours|wir|uns|unser\w{0,2}|nous|notre|nos)\b", re.I)
_TRADE: Final = re.compile(
    r"\b(?:customers?|orders?|ordered|returns?|refunds?|deliver(?:y|ies|ed)|shipping|warranty"
    r"|opening hours|prices?"
    r"|products?|subscriptions?|plans?|invoices?|bookings?|faq|support|service|kunden|bestellung\w{0,2}|lieferung\w{0,2}"
    r"|donations?|donors?|members?|membership|volunteers?|spenden?|spender\w{0,3}|mitglied\w{0,4}|dons|adhérents?)\b",
    re.I,
)
_PRIVATE: Final = re.compile(
    r"\b(?:private(?:ly)?|home|personal|his|her|my|mother|father|wife|husband|sister|brother|daughter|son|patient"
    r"|lives?|living|resides?|residing|privat\w{0,2}|zuhause|wohnt)\b",
    re.I,
)
_TOLL_FREE: Final = re.compile(
    r"(?<!\d)(?:0800|00800|0808|\+800|(?:\+?1[ .-]?)?\(?8(?:00|33|44|55|66|77|88)\)?[ .-])[ \d.-]{5,}"
)
_LABEL_LINE: Final = re.compile(
    r"[\W_]{0,6}(?:phone|tel|telephone|telefon|téléphone|fax|hotline|contact|e-?mail|address|call|whatsapp)\b[^a-zà-ÿ]*",
    re.I,
)
_PERSON: Final = re.compile(
    r"(?<![\w.])(?:(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau)\.? )?[A-ZÄÖÜ][a-zà-ÿ]{1,20} (?:[A-Z]\. "
    r")?[A-ZÄÖÜ][a-zà-ÿ]{1,20}(?!\w)"
)
_NO_PERSON: Final = re.compile(
    r"\b(?:Street|Road|Avenue|Lane|House|Park|Square|Office|Service|Support|Care|Team|Centre|Center|Hours|Line|Desk"
    r"|Customer|Sales|Contact|Phone|Call|Head|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Our|The|Your"
    r"|Works|Ltd|Limited|Inc|Company|Shop|Store|Repair|Returns|Der|Die|Das|Den|Dem)\b"
)

_ORGANISATION: Final = re.compile(
    r"\b(?:association|foundation|charity|society|club|trust|fund|museum|church|parish|school|hospital|union|league"
    r"|committee|institute|orchestra|choir|shelter|theatre|library|cooperative|council|ltd|limited|inc|llc|plc|gmbh"
    r"|ggmbh|e\. ?v|\w{0,20}verein|\w{0,20}stiftung|tierheim|gemeinde"
    r"|fondation|asociación|fundación|fondazione)\b",
    re.I,
)
_BANK: Final = re.compile(r"(?:bank|kasse|crédit|credit|iban|bic|swift)", re.I)
_REST_OF_NAME: Final = re.compile(r"(?: [A-ZÄÖÜ][\w-]{1,30}){0,4}")  # matches anywhere
_DONATION: Final = re.compile(r"\b(?:donat\w{1,5}|spenden?\w{0,8}|faire un don|dons|donativos?)\b", re.I)


def is_card(match: re.Match[str], sentence: str) -> bool:
    """Whether digits are the number of a credit card: issued, with a check digit that holds, and written as
    such numbers are or beside a word that says so. An article's number may pass the check too."""
    digits = re.sub(r"\D", "", match[0])
    if not (_ISSUED.fullmatch(digits) and len(set(digits)) > 1 and luhn(digits)):
        return False
    near = sentence[max(0, match.start() - 80) : match.end() + 80]
    if _CARD_WORD.search(near):
        return True
    if _GOODS_WORD.search(near) or len(digits) in (13, 14):
        return False
    return len(digits) >= 15


def is_of_goods(match: re.Match[str], sentence: str) -> bool:
    """Whether a number is that of a thing, by a word right before it: a serial number, an article's."""
    return _GOODS_WORD.search(sentence, max(0, match.start() - 30), match.start()) is not None


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others as Luhn's formula does (ISO/IEC 7812-1)."""
    values = [int(digit) for digit in reversed(digits)]
    return sum(values[::2]) % 10 == -sum(sum(divmod(2 * value, 10)) for value in values[1::2]) % 10


def is_phone(match: re.Match[str], sentence: str) -> bool:
    """Whether a match is a phone number: of its length, and no coordinate, article or version."""
    if not 8 <= len(re.sub(r"\D", "", match[0])) <= 15:
        return False
    near = sentence[max(0, match.start() - 60) : match.end() + 30]
    if _PHONE_WORD.search(near):
        return not _PLACE_WORD.search(near)
    if _PLACE_WORD.search(near) or _DECIMAL.match(match[0]):
        return False
    return match[0].startswith(("+", "(")) or not (_GOODS_WORD.search(near) or match[0].startswith("00"))


def is_role(address: str) -> bool:
    """Whether an e-mail address is that of a function in a firm, such as info@ or support@, and no
    person's."""
    address = address.replace("(at)", "@").replace("[at]", "@")
    local, _, _ = address.partition("@")
    parts = [re.sub(r"\d", "", part) for part in re.split(r"[.+_-]", local.strip().casefold())]
    parts = [part for part in parts if part]
    if not all(part in _ROLES or part in _SMALL for part in parts) or all(part in _SMALL for part in parts):
        return parts == ["no", "reply"]
    return _FREE_MAIL.search(address) is None


def speaks_as_firm(text: str) -> bool:
    """Whether a firm speaks to its customers in a text: it says "we", and speaks of orders and the like."""
    return _SPEAKS.search(text) is not None and len(_TRADE.findall(text[:20_000])) >= 2


def is_contact_line(sentence: str, *, firm: bool) -> bool:
    """Whether a sentence says how a firm can be reached. A private number, and one beside a person's name, is
    none of a firm's, whoever gives it."""
    if _PRIVATE.search(sentence) or any(not _NO_PERSON.search(name) for name in _PERSON.findall(sentence)):
        return False
    if _FIRM.search(sentence) or _TOLL_FREE.search(sentence):
        return True
    return firm and (_LABEL_LINE.fullmatch(sentence) is not None or _SPEAKS.search(sentence) is not None)


def is_account_of_firm(sentence: str, *, firm: bool) -> bool:
    """Whether an account that a sentence gives is an organisation's: it says so, or asks for donations as
    "we". One beside a person's name, or said to be somebody's own, is none."""
    names = (
        sentence[name.start() : _REST_OF_NAME.match(sentence, name.end()).end()]  # type: ignore[union-attr]
        for name in _PERSON.finditer(sentence)
        if not _NO_PERSON.search(name[0])
    )
    if _PRIVATE.search(sentence) or not all(_ORGANISATION.search(n) or _BANK.search(n) for n in names):
        return False
    if firm or _FIRM.search(sentence) or _ORGANISATION.search(sentence):
        return True
    return _DONATION.search(sentence) is not None and _SPEAKS.search(sentence) is not None
