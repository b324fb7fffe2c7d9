"""Open-vocabulary names, and the split that a name belongs to.

Knows nothing about entities or attributes. Names must be as varied as real ones: a model that has only
seen one kind of name garbles unfamiliar ones when it copies them. So they come from three sources: real
given names and surnames of many languages, pronounceable inventions of several phonotactic families, and
near-random letters.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Literal, get_args

WorldSplit = Literal["pretrain", "rl", "dev", "eval"]
SPLITS: tuple[WorldSplit, ...] = get_args(WorldSplit)
_SHARES = {"pretrain": 70, "rl": 10, "dev": 10, "eval": 10}

GIVEN = (
    "Aaron Abena Adil Agnes Aiko Alba Alejandro Amara Amina Ana Anders Andrea Anika Anna Anton Arjun Astrid "
    "Ayumi Beatriz Bence Benedikt Bilal Bjorn Bruno Camille Carlos Carmen Cecilia Chidi Chiara Chloe Claire "
    "Dagny Daichi Dalia Daniel Darya Deepa Diego Dimitri Dmitri Dora Edith Eduardo Eileen Ekaterina Elena Eli "
    "Elif Emeka Emil Emma Enzo Erik Esther Eva Fadila Farid Fatima Felix Fergus Fiona Florian Freya Gabor "
    "George Giulia Goran Grace Greta Gustav Hana Hannah Haruki Hassan Heidi Helga Henrik Hiroshi Hugo Ibrahim "
    "Igor Ilse Imani Ines Ingrid Irina Isabel Ivan Jack Jakob James Jana Javier Jelena Joao Johanna John Jonas "
    "Jorge Josefa Julia Jun Kadir Karim Katarina Keiko Kenji Kofi Kwame Lars Laszlo Layla Leila Lena Leon Li "
    "Liam Linh Lorenzo Lucia Ludwig Luis Maeve Magnus Mahmoud Maja Malik Marco Maria Marta Mateo Matthias Maya "
    "Mehmet Mei Mia Miguel Mikhail Milan Milena Mina Mira Mohammed Nadia Naomi Nia Nikolai Nils Nina Noor Nuria "
    "Oksana Ola Olga Oliver Omar Oscar Otto Pablo Paolo Paul Pedro Petra Pia Pierre Priya Quentin Rachel Rafael "
    "Rajesh Ramona Rania Renata Ricardo Rosa Ruth Sadia Salma Samuel Sanjay Sara Sebastian Selma Sergei Shirin "
    "Signe Silvia Simone Sofia Soren Stefan Sunita Svetlana Tadeusz Takeshi Tamar Tariq Teresa Thomas Tobias "
    "Tomasz Ulrike Uma Valentina Vera Viktor Vikram Walter Wanda Wei William Xavier Ximena Yara Yasmin Yuki "
    "Yusuf Zahra Zainab Zeynep Zofia Zuzana Célia Zoë José André Renée Jürgen Günther Łukasz Åsa Øyvind Siân"
).split()
SURNAMES = (
    "Abbott Achebe Acosta Adeyemi Aguilar Ahmed Almeida Andersen Aoki Arslan Ashworth Baker Banerjee Barros "
    "Bauer Becker Bell Bergman Bianchi Blackwood Bogdanov Bondarenko Boateng Borg Brandt Brennan Brown Campbell "
    "Cardoso Carter Castillo Chen Chowdhury Clarke Cohen Costa Cruz Dahl Danso Das Delgado Demir Diaz Dubois "
    "Dupont Eklund Engel Eriksen Espinoza Farouk Fernandez Ferrari Fischer Fleming Fontaine Forsberg Fraser "
    "Fujimoto Galindo Garcia Ghosh Gomez Gonzalez Graves Greenberg Gruber Gupta Haddad Halvorsen Hansen Harris "
    "Hashimoto Hayes Hernandez Hoffmann Horvat Hughes Hussain Ibarra Ito Ivanov Jankowski Jansen Jensen Johansson "
    "Jones Kamara Kapoor Kaur Kelly Khan Kim Klein Kobayashi Kovacs Kowalski Kramer Krause Kumar Kuznetsov "
    "Larsen Laurent Lee Lehmann Leroy Lindqvist Lombardi Lopez Lund Macdonald Malik Mancini Marchetti Markovic "
    "Marsh Martin Mbeki Mehta Mendoza Meyer Mitchell Molina Moreau Morgan Moretti Mueller Murphy Nagy Nakamura "
    "Navarro Nguyen Nielsen Novak Nowak Nwosu Oliveira Olsen Okafor Okonkwo Ortega Osei Ozturk Papadakis Park "
    "Patel Pereira Petrov Pham Popescu Quinn Rahman Ramirez Rasmussen Reid Reyes Ricci Richter Rivera Robinson "
    "Romano Rosen Rossi Ryan Saito Salazar Sanchez Santos Sato Schmidt Schneider Schulz Sharma Shaw Silva Singh "
    "Sokolov Sorensen Stein Suzuki Svensson Szabo Takahashi Tanaka Taylor Thompson Torres Tran Turner Vargas "
    "Varga Vasquez Vidal Vogel Volkov Wagner Walker Wang Watanabe Weber White Williams Wilson Winter Wolf Wright "
    "Wu Yamamoto Yang Yilmaz Young Zhang Ziegler Zimmermann O'Brien O'Neill Müller Söderberg Čapek Núñez Škoda"
).split()

_FAMILIES: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = tuple(
    (tuple(onsets.split()), tuple(vowels.split()), tuple("" if c == "_" else c for c in codas.split()))
    for onsets, vowels, codas in (
        ("b d f g h k l m n p r s t v w st tr br gr kl", "a e i o u", "_ _ n r l s t nd rk lm"),
        ("k t s n h m y r w sh ch ts g z", "a i u e o", "_ _ _ _ n"),
        ("b br d dr g gl gw ll m n p pr rh s t tr w c cr", "a e i o u y ai ei wy", "_ _ n r dd th ch l s"),
        ("v z k kr m ml d dr s sl sv p pr b l n r t j st", "a e i o u", "_ _ k v n sk r t ch l"),
        ("f fl l m n r s v th el qu d gl sil", "a e i o ia ae eo au", "_ _ l n r s th nd"),
        ("kh q z j b t d m n s sh r h f gh", "a i u aa ee ou", "_ _ d m n r b l s q"),
        ("x z qu tl p t c m n h y ch ix", "a e i o u", "_ _ tl x c n l"),
    )
)
_LETTERS = "aaeeiioouubcdfghjklmnprstvwxyz"

_PLACE_TAILS = (
    "ton ville burg ford mouth bridge stad holm field dale haven by wick ham minster gate shire".split()
)
_PLACE_HEADS = (
    "Port,San,Santa,Upper,Lower,New,Old,East,West,North,Fort,Mount,Lake,Saint,El,Nova,Bad,Kirk".split(",")
)
_COMPANY_TAILS = (
    "Works,Industries,Systems,Foods,Motors,Textiles,Labs,Press,Brothers,Group,Partners,Instruments,Optics,"
    "Shipping,Energy,Robotics,Ceramics,Mills,Trading,Tools,Pharma,Logistics,Studios,Holdings,AG,Ltd,Inc"
).split(",")
_ADJECTIVES = (
    "Silent Broken Hidden Golden Last Burning Distant Hollow Crooked Winter Paper Glass Iron Forgotten Quiet "
    "Bitter Scarlet Endless Restless Pale Wandering Stolen Second Seventh Blue Narrow Salt Electric Velvet Borrowed"
).split()
_NOUNS = (
    "Garden River Mirror Clock Harbour Letter Orchard Lantern Bridge Shadow Voyage Kingdom Tower Stranger Island "
    "Forest Machine Daughter Sparrow Map Window Crown Storm Museum Teacher Staircase Ocean Key Fire Promise "
    "Horizon Compass Feather Theatre Road"
).split()
_GOODS = (
    "Lamp Kettle Chair Radio Camera Drill Bicycle Tent Watch Heater Scanner Guitar Stove Pump Printer Helmet "
    "Blender Drone Speaker Boat Backpack Fan Sensor Mixer Saw"
).split()


def split_of(name: str) -> WorldSplit:
    """The split that a name belongs to: a function of the name alone, so that no two splits share one."""
    bucket = int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:4], "big") % 100
    for split, share in _SHARES.items():
        if bucket < share:
            return split  # type: ignore[return-value]
        bucket -= share
    raise AssertionError("the shares add up to 100")


def in_split(make: Callable[[], str], split: WorldSplit) -> str:
    """Draw names until one falls into `split`."""
    while split_of(name := make()) != split:
        pass
    return name


def word(rng: random.Random) -> str:
    """One invented capitalised word: pronounceable in one of seven families, one in eight near-random letters."""
    if rng.random() < 0.125:
        return "".join(rng.choices(_LETTERS, k=rng.randint(3, 8))).capitalize()
    onsets, vowels, codas = rng.choice(_FAMILIES)
    n_syllables = rng.choice((1, 2, 2, 2, 3, 3))
    text = "".join(rng.choice(onsets) + rng.choice(vowels) + rng.choice(codas) for _ in range(n_syllables))
    if n_syllables == 1:
        text += rng.choice(vowels) + rng.choice(codas)
    return text.capitalize()[:11]


def person(rng: random.Random) -> str:
    given = rng.choice(GIVEN) if rng.random() < 0.55 else word(rng)
    surname = rng.choice(SURNAMES) if rng.random() < 0.5 else word(rng)
    middle = f" {rng.choice('ABCDEFGHIJKLMNOPRSTVW')}." if rng.random() < 0.04 else ""
    return f"{given}{middle} {surname}"


def town(rng: random.Random) -> str:
    style, stem = rng.random(), word(rng)
    if style < 0.5:
        return stem
    if style < 0.72:
        return (stem[:6] + rng.choice(_PLACE_TAILS)).capitalize()
    if style < 0.92:
        return f"{rng.choice(_PLACE_HEADS)} {stem}"
    return f"{stem}-{rng.choice(('on', 'am', 'sur', 'de'))}-{word(rng)}"


def company(rng: random.Random) -> str:
    style = rng.random()
    if style < 0.45:
        return f"{word(rng)} {rng.choice(_COMPANY_TAILS)}"
    if style < 0.65:
        return f"{rng.choice(SURNAMES)} {rng.choice(_COMPANY_TAILS)}"
    if style < 0.8:
        return f"{rng.choice(SURNAMES)} & {rng.choice(SURNAMES) if rng.random() < 0.5 else word(rng)}"
    return word(rng) + rng.choice(("tech", "soft", "co", "lab", "ex", "on", "net", ""))


def book(rng: random.Random) -> str:
    adjective, noun, style = rng.choice(_ADJECTIVES), rng.choice(_NOUNS), rng.random()
    if style < 0.25:
        return f"The {adjective} {noun}"
    if style < 0.45:
        return f"The {noun} of {word(rng)}"
    if style < 0.6:
        return f"A {noun} for {rng.choice(GIVEN) if rng.random() < 0.5 else word(rng)}"
    if style < 0.75:
        return f"{adjective} {noun}s"
    if style < 0.9:
        return f"{word(rng)} and the {noun}"
    return f"The {word(rng)} {noun}"


def product(rng: random.Random) -> str:
    style = rng.random()
    if style < 0.45:
        return f"{word(rng)} {rng.choice(_GOODS)}"
    if style < 0.75:
        return f"{word(rng)} {rng.choice((str(rng.randint(2, 99)), 'X', 'Mini', 'Pro', 'One', 'Plus'))}"
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_GOODS)}"


def region(rng: random.Random) -> str:
    return word(rng)[:7] + rng.choice(("ia", "land", "mark", "stan", "ora", "avia", ""))


def landmark(rng: random.Random) -> str:
    kind = rng.choice(
        "Bridge Tower Castle Abbey Lighthouse Fountain Market Gate Observatory Mill Palace".split()
    )
    return f"the {word(rng) if rng.random() < 0.7 else rng.choice(SURNAMES)} {kind}"


def school(rng: random.Random) -> str:
    stem = word(rng) if rng.random() < 0.7 else rng.choice(SURNAMES)
    return (
        f"the University of {stem}" if rng.random() < 0.4 else f"{stem} {rng.choice(('College', 'Academy'))}"
    )


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "person": person,
    "town": town,
    "company": company,
    "book": book,
    "product": product,
    "region": region,
    "river": lambda rng: f"the {word(rng)}",
    "landmark": landmark,
    "school": school,
}
