"""Exact checks: what a line states stands in its source; what was exchanged is noticed."""

from __future__ import annotations

import gc
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal.self_edits.exact_checks import unsupported
from seal.self_edits.quantities import forms_of_number, normalised, read_measures

ENGLISH = (
    "Halden Tower was built in 1874 and is 12.75 metres high. The Standard plan costs $45 a "
    "month for 12 users, the "
    "Pro plan $120. Her husband was the photographer Owen Pryce. Ines Calloway was born on 3 "
    "March 1874 in Port "
    "Ellery and studied at the University of Brenn (UB). Take 2.5 mg twice a day. It holds 1.5 "
    "million litres. It "
    "needs Python 3.10 and C++. The shop opens at 9:30 am and closes at 6 pm. Greece did not "
    "declare war on Russia. "
    "Twenty-seven people, among them J. R. Smith, signed it. Sales fell by 37.5 percent, and "
    "the loss was -4 degrees. The "
    "novel was first printed in 2013 under the title “The Long Field”. Visitors may not only "
    "look but also touch. "
    "Pets are not allowed in the hall. The river is 1,500 km long and 3½ m deep. The Carver "
    "Report appeared in the "
    "1990s. Salt Kettle 1.0 runs on .NET. The bridge was closed for two weeks."
)
GERMAN = (
    "Der Turm wurde am 3. März 1874 von Anna Weber in Bremen erbaut und ist 12,75 Meter hoch. "
    "Er kostete 1.500 Mark, "
    "heute etwa 45 €. Das Museum hat montags nicht geöffnet. Siebenundzwanzig Personen "
    "arbeiten dort. Die Brücke "
    "über die Weser trägt 3,5 Tonnen. Der Eintritt ist nur für Kinder frei."
)
FRENCH = (
    "La tour fut construite le 3 mars 1874 par Jeanne Morel et mesure 12,75 mètres. L'entrée "
    "coûte 45 euros. Le musée "
    "n'est pas ouvert le lundi. Vingt-sept personnes y travaillent. L'Institut Pasteur a 1 500 membres."
)
SPANISH = (
    "La torre fue construida el 3 de marzo de 1874 por Lucía Ortega y mide 12,75 metros. La "
    "entrada cuesta 45 euros. "
    "El museo no abre los lunes. Allí trabajan treinta y siete personas."
)
CHINESE = (
    "李明于1874年3月3日在广州出生。塔高12.75米，门票45元。博物馆星期一不开放。"
    "这里有三百二十名员工。他的妻子是王秀英。"
)
JAPANESE = (
    "東京タワーは1958年に建てられ、高さは333メートルです。設計者は内藤多仲です。月曜日は開いていません。"
)
HINDI = "राम शर्मा का जन्म 3 मार्च 1874 को दिल्ली में हुआ था। मीनार 75 मीटर ऊँची है। संग्रहालय सोमवार को नहीं खुलता।"
ARABIC = "ولد أحمد منصور في القاهرة عام 1874. يبلغ ارتفاع البرج 75 مترا. لا يفتح المتحف يوم الاثنين."
RUSSIAN = (
    "Анна Петрова родилась 3 марта 1874 года в Москве. Башня высотой 75 "
    "метров. Музей не работает в понедельник."
)

SUPPORTED = {
    "en": (
        ENGLISH,
        "Halden Tower is 12.75 metres high.",
        "Halden Tower is 12.75 m high.",
        "The Standard plan costs 45 dollars a month.",
        "The Standard plan costs $45.00 a month.",
        "The Pro plan costs US$120.",
        "Ines Calloway was born on March 3, 1874.",
        "Ines Calloway was born on 1874-03-03.",
        "Ines Calloway was born in March 1874.",
        "Ines Calloway was born in 1874.",
        "Ines Calloway's husband was Owen Pryce.",
        "INES CALLOWAY studied at the UB.",
        "Question: Where did Ines Calloway study?\nAnswer: The University of Brenn",
        "Question: Who was her husband?\nAnswer: Owen Pryce",
        "Question: How many people signed it?\nAnswer: 27",
        "It holds 1,500,000 litres.",
        "It needs Python 3.10.",
        "It needs C++.",
        "The shop opens at 9:30 am.",
        "The shop closes at 18:00.",
        "Greece didn't declare war on Russia.",
        "Question: Did Greece declare war on Russia?\nAnswer: No",
        "J. R. Smith was among those who signed it.",
        "Sales fell by 37.5%.",
        "The loss was −4 degrees.",
        "The novel 'The Long Field' was printed in 2013.",
        'Its title is "The Long Field".',
        "Visitors may look and also touch.",
        "Pets are forbidden in the hall.",
        "The river is 1500 kilometres long.",
        "The river is 3 1/2 metres deep.",
        "The bridge was closed for 2 weeks.",
        "Salt Kettle 1.0 runs on .NET.",
        "The Carver Report is from the 1990s.",
        "Owen Pryce's wife was Ines Calloway.",
    ),
    "de": (
        GERMAN,
        "Anna Weber hat den Turm am 3.3.1874 erbaut.",
        "Der Turm ist 12,75 m hoch.",
        "Der Turm kostete 1500 Mark.",
        "Im März 1874 wurde der Turm in Bremen erbaut.",
        "Montags hat das Museum nicht geöffnet.",
        "Dort arbeiten 27 Personen.",
        "Question: Wer erbaute den Turm?\nAnswer: Anna Weber",
        "Question: In welchem Jahr wurde der Turm erbaut?\nAnswer: 1874",
    ),
    "fr": (
        FRENCH,
        "Jeanne Morel a construit la tour en 1874.",
        "La tour mesure 12,75 m.",
        "L’entrée coûte 45 €.",
        "Le musée n’est pas ouvert le lundi.",
        "27 personnes travaillent dans le musée.",
        "L'Institut Pasteur compte 1500 membres.",
    ),
    "es": (
        SPANISH,
        "Lucía Ortega construyó la torre el 3/3/1874.",
        "La torre mide 12,75 metros.",
        "Los lunes el museo no abre.",
        "Allí trabajan 37 personas.",
    ),
    "zh": (
        CHINESE,
        "李明出生于1874年。",
        "李明于一八七四年三月三日在广州出生。",
        "门票45元。",
        "这里有320名员工。",
        "博物馆星期一不开放。",
        "Question: 他的妻子是谁？\nAnswer: 王秀英",
    ),
    "ja": (JAPANESE, "東京タワーの高さは333メートルです。", "Question: 設計者は誰ですか？\nAnswer: 内藤多仲"),
    "hi": (HINDI, "राम शर्मा का जन्म 1874 में हुआ था।", "मीनार ७५ मीटर ऊँची है।", "संग्रहालय सोमवार को नहीं खुलता है।"),
    "ar": (ARABIC, "ولد أحمد منصور في القاهرة.", "ارتفاع البرج ٧٥ مترا.", "لا يفتح المتحف يوم الاثنين."),
    "ru": (RUSSIAN, "Анна Петрова родилась в 1874 году в Москве.", "Музей не работает в понедельник."),
}
EXCHANGED = {
    "en": (
        ENGLISH,
        "Halden Tower is 75 metres high.",
        "Halden Tower is 1275 metres high.",
        "Halden Tower is 12.75 feet high.",
        "Halden Tower was built in 1875.",
        "Halden Bridge Tower was built in 1874 by Marlow.",
        "The Standard plan costs €45.",
        "The Standard plan costs $120.50.",
        "The Standard plan costs $1.20.",
        "Ines Calloway was born on 4 March 1874.",
        "Ines Calloway was born on 3 May 1874.",
        "Ines Calloway was born on 1874-03-04.",
        "Ines Calloway was born in April.",
        "Ines Pryce was a photographer.",
        "Berta Calloway was born in 1874.",
        "Berta was born in 1874.",
        "Question: Who was her husband?\nAnswer: Owen Price",
        "Question: Who was her husband?\nAnswer: Berta",
        "Take 5 mg twice a day.",
        "Take 2.5 g twice a day.",
        "It holds 1.5 litres.",
        "It holds 1.5 billion litres.",
        "It needs Python 10.",
        "It needs Python 3.1.",
        "It needs C.",
        "It needs C#.",
        "The shop opens at 9:30 pm.",
        "The shop opens at 930.",
        "Greece declared war on Russia.",
        "Twenty-six people signed it.",
        "Sales fell by 375 percent.",
        "Sales fell by 37.5 euros.",
        "The loss was 4 degrees.",
        'Its title is "The Short Field".',
        "Pets are allowed in the hall.",
        "The river is 500 km long.",
        "Halden Tower was not built in 1874.",
        "Salt Kettle 10 runs on .NET.",
        "The Carver Report is from 1990.",
        "It was signed by Turkey.",
    ),
    "de": (
        GERMAN,
        "Der Turm ist 75 Meter hoch.",
        "Der Turm wurde am 4. März 1874 erbaut.",
        "Berta Weber hat den Turm erbaut.",
        "Der Turm kostete 500 Mark.",
        "Der Turm kostete 45 Dollar.",
        "Montags hat das Museum geöffnet.",
        "Die Brücke trägt 35 Tonnen.",
        "Dort arbeiten 26 Personen.",
        "Question: Wo steht der Turm?\nAnswer: Hamburg",
    ),
    "fr": (
        FRENCH,
        "La tour mesure 75 mètres.",
        "Jeanne Moreau a construit la tour.",
        "L'entrée coûte 45 dollars.",
        "Le musée est ouvert le lundi.",
        "La tour fut construite le 3 mai 1874.",
    ),
    "es": (
        SPANISH,
        "La torre fue construida el 3 de mayo de 1874.",
        "La torre mide 75 metros.",
        "Lucía Moreno construyó la torre.",
        "El museo abre los lunes.",
    ),
    "zh": (
        CHINESE,
        "李明出生于1875年。",
        "张伟于1874年出生。",
        "李明在北京市出生。",
        "门票45美元。",
        "塔高75米。",
        "博物馆星期一开放。",
        "这里有三百名员工。",
        "Question: 他的妻子是谁？\nAnswer: 张秀兰",
    ),
    "ja": (JAPANESE, "東京タワーの高さは334メートルです。", "大阪スカイは1958年に建てられました。"),
    "hi": (
        HINDI,
        "राम शर्मा का जन्म 1875 में हुआ था।",
        "मोहन गुप्ता का जन्म दिल्ली में हुआ था।",
        "संग्रहालय सोमवार को खुलता है।",
    ),
    "ar": (ARABIC, "ولد محمود منصور في القاهرة.", "ارتفاع البرج 57 مترا.", "يفتح المتحف يوم الاثنين."),
    "ru": (
        RUSSIAN,
        "Ольга Петрова родилась в 1874 году.",
        "Башня высотой 57 метров.",
        "Музей работает в понедельник.",
    ),
}


def cases(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(source, line) for source, *lines in table.values() for line in lines]


@pytest.mark.parametrize(("source", "line"), cases(SUPPORTED))
def test_a_true_line_is_supported(source: str, line: str) -> None:
    assert unsupported(line, source, "") == ""


@pytest.mark.parametrize(("source", "line"), cases(EXCHANGED))
def test_a_line_with_something_exchanged_is_not(source: str, line: str) -> None:
    reason = unsupported(line, source, "")
    assert reason
    assert not {word for word in reason.split() if word[:1].isupper() or word[:1].isdigit()}


def test_the_title_supports_its_own_name() -> None:
    source = "It was built in 1874."
    assert unsupported("Halden Tower was built in 1874.", source, "Halden Tower") == ""
    assert unsupported("Halden Tower was built in 1874.", source) != ""


def test_a_row_of_a_table_supports_a_sentence_about_it() -> None:
    row = "Plan: Lumora Go; Price: €119; Users: 10"
    assert unsupported("The Lumora Go costs €119.", row, "Lumora") == ""
    assert unsupported("The Lumora Go costs €45.", row, "Lumora") != ""


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("$1.2 million", "1200000 usd"),
        ("3 Mio. Euro", "3000000 eur"),
        ("two hundred and five", "205 "),
        ("12 h", "43200 s"),
        ("5-year", "60 months"),
        ("50 square metres", "50 m^2"),
        ("2 km²", "2000000 m^2"),
        ("90 km/h", "25 m/s"),
        ("10²", "100 "),
        ("1’500 CHF", "1500 chf"),
        ("百分之五", "5 %"),
        ("3.5万元", "35000 cny"),
        ("3万5千人", "35000 people"),
        ("18만 명", "180000 people"),
        ("다섯 권", "5 "),
        ("٣٫٥", "3.5 "),
        ("3,20,000", "320000 "),
        ("3.2 लाख", "320000 "),
        ("1,25 млрд рублей", "1250000000 rub"),
        ("2,3 εκατομμύρια", "2300000 "),
        ("19th", "19 "),
        ("-5", "-5 "),
        ("1853–56", "1853 |56 "),
        ("three quarters", "0.75 "),
        ("half a dozen", "6 "),
        ("a dozen", "12 "),
        ("half a million", "500000 "),
        ("two and a half hours", "9000 s"),
        ("Il y avait quatre-vingt-dix-sept personnes dans la salle", "97 "),
        ("Los treinta y siete libros de la casa", "37 "),
        ("half past nine", "9:30"),
        ("halb zehn", "9:30"),
        ("quarter to ten", "9:45"),
        ("XIX century", "19 "),
        ("Henry VIII", "8 "),
        ("the 1990s", "1990s"),
        ("They won 2:1", "2:1"),
    ],
)
def test_what_a_number_is(text: str, forms: str) -> None:
    read = [forms_of_number(one) for one in read_measures(normalised(text)).amounts]
    assert len(read) == len(forms.split("|"))
    assert all(form in found for form, found in zip(forms.split("|"), read, strict=True))


@pytest.mark.parametrize(
    ("source", "same", "others"),
    [
        ("It sold 1,250,000 copies.", "1.25 million copies", "12.5 million copies|1.25 billion copies"),
        ("It sold a dozen copies.", "12 copies", "20 copies"),
        ("It has 6 doors.", "half a dozen doors", "a dozen doors"),
        ("It opens at half past nine.", "9:30", "9:00|8:30"),
        ("It takes 90 minutes.", "1.5 hours", "1.5 minutes|15 hours"),
        ("It covers three quarters of the land.", "3/4", "1/4|3/5"),
        ("It was his 3rd novel.", "third", "fourth"),
        ("Henry VIII built it.", "Henry VIII", "Henry VII"),
        (
            "Der Turm kostete 1.250.000 Euro.",
            "Er kostete 1,25 Mio. €.",
            "Er kostete 12,5 Mio. €.|Er kostete 1,25 Mrd. €.",
        ),
        ("博物馆有1,250,000件文物。", "125万件", "12.5万件|125亿件"),
    ],
)
def test_a_quantity_may_be_written_in_another_way(source: str, same: str, others: str) -> None:
    assert unsupported(same, source) == ""
    assert all(unsupported(other, source) for other in others.split("|"))


@pytest.mark.parametrize(
    "text",
    [
        "3 March 1874",
        "March 3rd, 1874",
        "1874-03-03",
        "3.3.1874",
        "3. März 1874",
        "3 mars 1874",
        "3 de marzo de 1874",
        "1874年3月3日",
        "3 मार्च 1874",
        "3 марта 1874",
        "3 Μαρτίου 1874",
        "3 במרץ 1874",
        "٣ مارس ١٨٧٤",
        "03/03/1874",
    ],
)
def test_a_date_in_any_form(text: str) -> None:
    [read] = read_measures(normalised(text)).amounts
    assert (read.kind, read.value) == ("date", (1874, 3, 3))


# ----- any text

NUMBERS = st.decimals(min_value=0, max_value=99_999, places=2, allow_nan=False).map(
    lambda value: f"{value:f}"
)


@settings(max_examples=200, deadline=None)
@given(NUMBERS, NUMBERS)
def test_another_number_is_never_supported(said: str, stands: str) -> None:
    reason = unsupported(f"The tower is {said} metres high.", f"The tower is {stands} metres high.")
    assert bool(reason) == (float(said) != float(stands))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.text(max_size=200), st.text(max_size=20))
def test_any_text_is_checked_without_an_error(line: str, source: str, title: str) -> None:
    assert isinstance(unsupported(line, source, title), str)
    assert isinstance(unsupported(f"Question: {line}\nAnswer: {title}", source, title), str)


@settings(max_examples=100, deadline=None)
@given(*(st.dates(date(1000, 1, 1), date(2999, 12, 31)),) * 2)
def test_a_date_is_supported_by_the_same_date_alone(said: date, stands: date) -> None:
    line, source = f"It happened on {said:%d %B %Y}.", f"It happened on {stands:%Y-%m-%d}."
    assert bool(unsupported(line, source)) == (said != stands)


@pytest.mark.parametrize("n", [40_000, pytest.param(200_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "piece",
    [
        "1 ",
        "1.",
        "1 000 ",
        "a. ",
        "A ",
        "twenty ",
        "三",
        "3 May ",
        '"',
        "'",
        "not ",
        "-",
        "$",
        "Question: ",
        "\n",
        "不",
    ],
)
def test_time_grows_with_the_length_of_the_text(piece: str, n: int) -> None:
    text = piece * (n // len(piece))

    def seconds(source: str, line: str) -> float:
        gc.disable()  # which looks through all that the other tests have left, again and again
        try:
            start = time.process_time()
            unsupported(line, source, "x")
            return time.process_time() - start
        finally:
            gc.enable()

    line = "The Tower of 1874 is 12.75 metres high, not 5."
    short = min(seconds(text[: n // 10 - extra], line) for extra in range(3))
    assert seconds(text, line) < 25 * short + 0.2
    short = min(seconds(line, text[: n // 10 - extra]) for extra in range(3))
    assert seconds(line, text) < 25 * short + 0.2
