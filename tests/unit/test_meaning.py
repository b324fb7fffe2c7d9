"""Answers compared by meaning: pairs written by hand in several languages, refusals, what sentences state."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.grading.meaning import contains_answer, same_answer
from seal.grading.refusals import is_refusal

SAME = [
    # numbers, signs, units, currencies
    ("How many tons were milled?", "1,500", "1500"),
    ("How many tons were milled?", "It milled 1,500 tons in its first year.", "1500 tons"),
    ("Wie viele Einwohner hat der Ort?", "1.500 Einwohner", "1500"),
    ("Combien d'habitants y a-t-il ?", "1 500 habitants", "1500 habitants"),
    ("How long is the path?", "3.5 km", "3500 m"),
    ("Wie lang ist der Weg?", "3,5 Kilometer", "3.5 km"),
    ("How many seats are there?", "twenty-five", "25 seats"),
    ("How many seats are there?", "two hundred and ten", "210"),
    ("Wie viele Plätze gibt es?", "fünfundzwanzig", "25 Plätze"),
    ("Wie viele Plätze gibt es?", "zweihundertzehn Plätze", "210"),
    ("What does the Standard plan cost?", "$45", "45 dollars"),
    ("What does the Standard plan cost?", "USD 45", "$45.00"),
    ("What does the Standard plan cost?", "45", "$45"),
    ("What does the Standard plan cost?", "The Standard plan costs $45 per month.", "45 dollars a month"),
    ("What does the Standard plan cost?", "$45 monthly", "$45 per month"),
    ("Was kostet der Tarif?", "45 €", "Der Tarif kostet 45 Euro."),
    ("How long do refunds take?", "within 14 days", "two weeks"),
    ("How long does it take?", "90 minutes", "1.5 hours"),
    ("How long does it take?", "1 hour 30 minutes", "It takes 90 minutes."),
    ("How long does it take?", "an hour", "60 minutes"),
    ("How long do refunds take?", "3-5 days", "between 3 and 5 days"),
    ("How long do refunds take?", "3 to 5 working days", "three to five working days"),
    ("What share passed?", "12%", "12 percent"),
    ("What share passed?", "12 per cent", "12 %"),
    ("How cold was it?", "-5 °C", "minus 5 degrees Celsius"),
    ("What was the budget?", "1.5 million dollars", "$1,500,000"),
    ("Wie hoch war das Budget?", "2,5 Mio. Euro", "2.500.000 €"),
    ("How much is left?", "½", "half"),
    ("How large is the file?", "2 GB", "2 gigabytes"),
    # dates and times
    ("When did the mill open?", "3 March 1874", "March 3, 1874"),
    ("When did the mill open?", "It opened on the 3rd of March, 1874.", "1874-03-03"),
    ("In which year did the mill open?", "1874", "3 March 1874"),
    ("When did the mill open?", "in March 1874", "3 March 1874"),
    ("Wann wurde die Mühle eröffnet?", "am 3. März 1874", "3.3.1874"),
    ("Quand le moulin a-t-il ouvert ?", "le 3 mars 1874", "3 mars 1874"),
    ("¿Cuándo abrió el molino?", "el 3 de marzo de 1874", "Abrió el 3 de marzo de 1874."),
    ("When does the office open?", "9:30", "9.30 a.m."),
    ("When does the office close?", "5 pm", "17:00"),
    ("Wann öffnet das Büro?", "9.30 Uhr", "um 9:30 Uhr"),
    ("When does lunch begin?", "noon", "12:00"),
    ("When does the office close?", "5:00", "5 p.m."),
    ("When does the office open?", "It is open from 9:00 to 17:00.", "9:00"),
    # names, word order, inflection, what the question says already
    ("Who founded the mill?", "It was founded by Edwin Harrow", "Edwin Harrow"),
    ("Who founded the mill?", "Harrow", "Edwin Harrow"),
    ("Who founded the mill?", "The mill was founded by Edwin Harrow, a mason from Leeds.", "Edwin Harrow."),
    ("Where was he born?", "in the town of Leeds", "Leeds"),
    ("Which war was it?", "World War II", "the Second World War"),
    ("What did they sell?", "flour and oats", "oats and flour"),
    ("What did they sell?", "a bag of apples", "bags of apples"),
    ("Who won?", "the Russians", "Russia"),
    ("Which language is it written in?", "C++", "It is written in C++."),
    ("Which version brought it?", "version 2.10", "2.10"),
    ("Which version brought it?", "v2.1.3", "It came with version 2.1.3"),
    ("Wer gründete die Mühle?", "Die Mühle wurde von Edwin Harrow gegründet.", "Edwin Harrow"),
    ("Was wird verkauft?", "die Verträge", "Vertrag"),
    ("Qui a fondé le moulin ?", "Le moulin a été fondé par Jeanne Dupré.", "Jeanne Dupré"),
    # yes and no
    ("Is breakfast included?", "Yes", "Yes, it is included."),
    ("Is breakfast included?", "No", "Breakfast is not included."),
    ("Ist das Frühstück inbegriffen?", "Nein", "Das Frühstück ist nicht inbegriffen."),
    ("Is breakfast included?", "Yes.", "Breakfast is included in every plan."),
    # other scripts
    ("谁创办了这家工厂?", "李明", "李明创办了这家工厂。"),
    ("这家工厂是哪一年成立的?", "1945年", "一九四五年"),
    ("会议是什么时候?", "2024年3月5日", "会议在二〇二四年三月五日举行。"),
    ("有多少名员工?", "二十三名员工", "23"),
    ("工厂在哪里?", "在上海", "上海"),
    ("価格はいくらですか", "1,500円", "1500円です。"),
    ("会社はどこにありますか", "東京です", "会社は東京にあります。"),
    ("누가 설립했습니까?", "김철수가 설립했습니다.", "김철수"),
    ("본사는 어디에 있습니까?", "서울", "본사는 서울에 있습니다."),
    ("من أسس المصنع؟", "أسسه محمد علي", "محمد علي"),
    ("كم يوما يستغرق ذلك؟", "١٤ يوما", "14 يوما"),
    ("कारखाने की स्थापना किसने की?", "राम शर्मा", "इसकी स्थापना राम शर्मा ने की।"),
    ("इसमें कितने दिन लगते हैं?", "१४ दिन", "14 दिन"),
    # everyday documents
    ("How much does the Pro plan cost per year?", "$1,200", "1200 dollars per year"),
    ("What is the phone number?", "555-0134", "555-0134"),
    ("How many people attended?", "about 300", "around three hundred people"),
    (
        "When is support available?",
        "Monday to Friday, 9 am to 5 pm",
        "9 am to 5 pm on weekdays, Monday to Friday",
    ),
    ("Who is responsible?", "the finance team", "Finance team"),
    ("Wie lange ist die Kündigungsfrist?", "drei Monate", "3 Monate zum Quartalsende"),
    ("Wie hoch ist die Gebühr?", "12,50 Euro", "12.50 €"),
    ("What was fixed?", "a crash on start-up", "It fixed a crash on startup."),
    ("Which day is the meeting?", "Tuesday", "The meeting is on Tuesday."),
    ("Where does the train leave?", "platform 4", "It leaves from platform 4."),
    ("Who wrote it?", "J. R. Smith", "J.R. Smith"),
    ("What is the maximum?", "up to 50 users", "50"),
    ("How tall is it?", "1.80 m", "180 cm"),
    ("What temperature?", "180°C", "180 degrees"),
    ("What is the discount?", "a 15% discount", "15 percent"),
    ("退款需要多长时间?", "14天", "十四天内"),
    ("套餐的价格是多少?", "每月45元", "45元"),
    ("申请截止日期是哪天?", "6月30日", "六月三十日"),
    ("Combien coûte l'abonnement ?", "45 euros par mois", "45 € par mois"),
    ("¿Quién fundó la empresa?", "Ana Torres", "La empresa fue fundada por Ana Torres."),
    ("Can I get a refund?", "Yes, within 30 days.", "Yes"),
    ("Is smoking allowed?", "No, smoking is forbidden.", "No."),
    ("Kann ich kündigen?", "Ja, jederzeit.", "Ja"),
    ("What replaced it?", "the new system", "The old system was replaced by the new system."),
    ("Which file format?", "PDF", "PDF files"),
    ("What does it stand for?", "Constant Bit Rate", "constant bit rate (CBR)"),
    ("When was she born?", "12 May 1906", "She was born on May 12th, 1906."),
    ("How old was he?", "he was 34", "34 years old"),
    ("Which floor?", "the 3rd floor", "third floor"),
    ("Which year?", "2019", "in 2019."),
    # refusals agree with refusals
    ("Who founded the mill?", "I do not know.", "The text does not say."),
]

DIFFERENT = [
    ("How much is it?", "3.5", "35"),
    ("How much is it?", "1.5", "1,500"),
    ("How many tons were milled?", "1,500", "15,000"),
    ("How many?", "1.500", "15"),
    ("How many?", "1500", "150"),
    ("When does the office open?", "9:30", "930"),
    ("When does the office open?", "9:30", "9:00"),
    ("When does the office open?", "9 am", "9 pm"),
    ("When does the office close?", "5:00", "17:00"),
    ("How cold was it?", "-5 °C", "5 °C"),
    ("What does it cost?", "$45", "€45"),
    ("What does it cost?", "$45 per month", "$45 per year"),
    ("What does it cost?", "$45", "45 cents"),
    ("How long does it take?", "14 days", "14 weeks"),
    ("How long does it take?", "5 days", "3 to 5 days"),
    ("How long does it take?", "7 days", "7 or 9 days"),
    ("How long does it take?", "2 hours", "2 hours 30 minutes"),
    ("How long does it take?", "5 working days", "5 calendar days"),
    ("How many were there?", "5 apples", "5 oranges"),
    ("When did the mill open?", "3 March 1874", "4 March 1874"),
    ("When did the mill open?", "3 March 1874", "3 May 1874"),
    ("When did the mill open?", "1874", "3 March 1875"),
    ("When did the mill open?", "March 1874", "3 March"),
    ("When was it popular?", "1870s", "1870"),
    ("Wann wurde die Mühle eröffnet?", "am 3. März 1874", "am 3. Mai 1874"),
    ("Wie viele Einwohner hat der Ort?", "1.500 Einwohner", "1,5"),
    ("Wie viele Plätze gibt es?", "fünfundzwanzig", "zweiundfünfzig"),
    ("Who founded the mill?", "Edwin Harrow", "James Harrow"),
    ("Who founded the mill?", "Edwin Harrow", "Edwin Harris"),
    ("Who founded the mill?", "Martin Lund", "Martina Lund"),
    ("Who founded the mill?", "Edwin Harrow", "Edwin Harrow's brother"),
    ("Where is it?", "Austria", "Australia"),
    ("Which war was it?", "World War I", "World War II"),
    ("Which vitamin is it?", "Vitamin A", "Vitamin C"),
    ("Which language is it written in?", "C++", "C"),
    ("Which language is it written in?", "C#", "C"),
    ("Which blood group is it?", "A+", "A-"),
    ("Which version brought it?", "1.0", "10"),
    ("Which version brought it?", "2.10", "2.1"),
    ("Which Python does it need?", "Python 3.10", "Python 3.1"),
    ("Which plan is cheaper, Basic or Standard?", "Basic", "Standard"),
    ("Is breakfast included?", "Yes", "No"),
    ("Is breakfast included?", "Yes", "Breakfast is not included."),
    ("Is breakfast included?", "It is included.", "It is not included."),
    ("Is it refundable?", "refundable", "non-refundable"),
    ("Did it rise?", "a large increase in price", "a large decrease in price"),
    ("When is it due?", "before delivery", "after delivery"),
    ("Who founded the mill?", "Edwin Harrow", "I do not know."),
    ("Who founded the mill?", "Edwin Harrow", "The text does not mention who founded it."),
    ("Who founded the mill?", "It was not Edwin Harrow.", "Edwin Harrow"),
    ("Who founded the mill?", "James Lund, not Edwin Harrow", "Edwin Harrow"),
    ("Wer gründete die Mühle?", "Edwin Harrow", "Das geht aus dem Text nicht hervor."),
    ("Ist das Frühstück inbegriffen?", "Ja", "Nein"),
    ("Ist das Frühstück inbegriffen?", "Es ist inbegriffen.", "Es ist nicht inbegriffen."),
    ("Qui a fondé le moulin ?", "Jeanne Dupré", "Je ne sais pas."),
    ("Qui a fondé le moulin ?", "Jeanne Dupré", "Jeanne Martin"),
    ("¿Cuánto cuesta?", "45 euros", "54 euros"),
    ("谁创办了这家工厂?", "李明", "李华"),
    ("谁创办了这家工厂?", "李明", "文中没有提到。"),
    ("这家工厂是哪一年成立的?", "1945年", "1954年"),
    ("是否包含早餐?", "包含早餐", "不包含早餐"),
    ("有多少名员工?", "二十三名员工", "三十二名员工"),
    ("会社はどこにありますか", "東京です", "大阪です"),
    ("価格はいくらですか", "1500円", "1500ドル"),
    ("누가 설립했습니까?", "김철수", "박영희"),
    ("누가 설립했습니까?", "김철수", "모르겠습니다."),
    ("من أسس المصنع؟", "محمد علي", "أحمد حسن"),
    ("من أسس المصنع؟", "محمد علي", "لا أعرف"),
    ("कारखाने की स्थापना किसने की?", "राम शर्मा", "मोहन वर्मा"),
    ("कारखाने की स्थापना किसने की?", "राम शर्मा", "मुझे पता नहीं।"),
    ("How much does the Pro plan cost?", "$1,200", "$1,300"),
    ("How much does the Pro plan cost?", "$1,200", "$12"),
    ("What is the phone number?", "555-0134", "555-0143"),
    ("Which day is the meeting?", "Tuesday", "Thursday"),
    ("Wie lange ist die Kündigungsfrist?", "drei Monate", "drei Wochen"),
    ("Wie hoch ist die Gebühr?", "12,50 Euro", "1.250 Euro"),
    ("Where does the train leave?", "platform 4", "platform 14"),
    ("Who wrote it?", "Anna Smith", "Anna Schmidt"),
    ("退款需要多长时间?", "14天", "14周"),
    ("套餐的价格是多少?", "每月45元", "每年45元"),
    ("申请截止日期是哪天?", "6月30日", "7月30日"),
    ("Can I get a refund?", "Yes, within 30 days.", "Yes, within 60 days."),
    ("Is smoking allowed?", "Smoking is allowed.", "Smoking is forbidden."),
    ("Kann ich kündigen?", "Ja, jederzeit.", "Nein"),
    ("Which plan includes it?", "Standard plan", "Premium plan"),
    ("What colour is it?", "red", "blue"),
    ("What replaced it?", "the new system", "the old system"),
    ("How often is it published?", "weekly", "monthly"),
    ("When was she born?", "12 May 1906", "12 May 1960"),
    ("Which floor?", "the 3rd floor", "the 13th floor"),
    ("Which floor?", "third floor", "second floor"),
    ("Who chairs it?", "the director", "the deputy director's assistant"),
    ("Is it open on Sundays?", "It is open on Sundays.", "It is closed on Sundays."),
    ("How many?", "none", "5"),
    ("Where?", "New York", "York"),
    ("Qui dirige ?", "Paul Martin", "Martine Paul"),
    ("What is the limit?", "at least 8 characters", "at most 8 characters"),
    ("What is the limit?", "10 MB", "10 GB"),
    ("Wer ist zuständig?", "die Personalabteilung", "die Finanzabteilung"),
    ("¿Dónde está?", "en Madrid", "en Sevilla"),
    ("Who chairs it?", "the director", "the deputy director"),
]


@pytest.mark.parametrize(("question", "one", "other"), SAME)
def test_what_says_the_same(question: str, one: str, other: str) -> None:
    assert same_answer(question, one, other)
    assert same_answer(question, other, one)


@pytest.mark.parametrize(("question", "one", "other"), DIFFERENT)
def test_what_says_something_else(question: str, one: str, other: str) -> None:
    assert not same_answer(question, one, other)
    assert not same_answer(question, other, one)


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("The mill opened on 3 March 1874 with 40 workers.", "March 3, 1874", True),
        ("The mill opened on 3 March 1874 with 40 workers.", "4", False),
        ("The mill opened on 3 March 1874 with 40 workers.", "40 workers", True),
        ("The Standard plan costs $145 a month.", "$45", False),
        ("The Standard plan costs $45 a month.", "45 dollars", True),
        ("The first sentence names Edwin. The second names Harrow.", "Edwin Harrow", False),
        ("It was founded by James Harrow.", "Edwin Harrow", False),
        ("It was not founded by Edwin Harrow.", "Edwin Harrow", False),
        ("Delivery takes 3 to 5 days.", "5 days", False),
        ("Delivery takes 3 to 5 days.", "3-5 days", True),
        ("Der Vertrag läuft zwölf Monate.", "12 Monate", True),
        ("这家工厂于1945年由李明创办。", "李明", True),
        ("这家工厂于1945年由李明创办。", "1954年", False),
        ("The text does not say.", "I do not know", False),
    ],
)
def test_what_a_sentence_states(text: str, answer: str, expected: bool) -> None:
    assert contains_answer(text, answer) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know.", True),
        ("I’m not sure about that.", True),
        ("Not mentioned", True),
        ("The passage does not specify the year.", True),
        ("The year is not mentioned in the text.", True),
        ("Unknown", True),
        ("There is no information about this.", True),
        ("It cannot be determined from the text.", True),
        ("", True),
        ("Ich weiß es nicht.", True),
        ("Das wird im Text nicht erwähnt.", True),
        ("Der Text sagt dazu nichts.", True),
        ("Keine Angabe", True),
        ("Je ne sais pas", True),
        ("Le texte ne le précise pas.", True),
        ("No lo sé.", True),
        ("El texto no menciona el año.", True),
        ("我不知道", True),
        ("文中未提及。", True),
        ("わかりません。", True),
        ("The plan does not include support.", False),
        ("He did not mention his brother in the will.", False),
        ("No", False),
        ("Nein, das Frühstück kostet extra.", False),
        ("No refunds are given after 14 days.", False),
        ("Nobody knows it better than Edwin Harrow.", False),
        ("The Unknown Soldier", False),
        ("Notre-Dame", False),
        ("不包含早餐", False),
    ],
)
def test_what_declines_to_answer(text: str, expected: bool) -> None:
    assert is_refusal(text) is expected


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_texts_can_be_compared_and_both_ways_round(question: str, one: str, other: str) -> None:
    assert same_answer(question, one, other) == same_answer(question, other, one)
    contains_answer(one, other)


@given(
    st.text("0123456789.,:-/ 年月日時分一二十百万the$€%°ap m+Aé", max_size=30),
    st.text("0123456789.,:-/ 年月日時分一二十百万the$€%°ap m+Aé", max_size=30),
)
def test_any_numbers_can_be_compared_and_both_ways_round(one: str, other: str) -> None:
    assert same_answer("How many?", one, other) == same_answer("How many?", other, one)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_agree_when_they_are_equal(one: int, other: int) -> None:
    assert same_answer("How many?", f"{one:,} apples", f"{other} apples") == (one == other)


@pytest.mark.parametrize("unit", ["1 ", "1,", "not ", "1-", "und", "百", "a'", "1:", "of de ", "the text "])
def test_long_texts_take_no_longer_than_their_length(unit: str) -> None:
    begin = time.process_time()
    same_answer("When?", unit * 20_000, unit * 19_999 + "x")
    is_refusal(unit * 20_000)
    assert time.process_time() - begin < 1
