"""A short document in each of many scripts, with a question about it; and what becomes of it."""

from __future__ import annotations

from typing import NamedTuple

from seal.grading.meaning import same_answer
from seal.retention import CellRouter, DocumentPage
from seal.self_edits.ground import ground
from seal.text import sentences


class WrittenPage(NamedTuple):
    """Three sentences about one name. `wrong` is a name of its kind that they do not have."""

    script: str
    title: str
    text: str
    asked: str
    answer: str
    wrong: str


PAGES = {
    "English": WrittenPage(
        "Latin",
        "Halden",
        "Halden is a company in Bergen. Erik Solberg founded Halden in 1987. The company has 250 workers.",
        "Who founded Halden?", "Erik Solberg", "Nils Berg",
    ),
    "Polish": WrittenPage(
        "Latin",
        "Świetlik",
        "Świetlik to firma z Łodzi. Świetlik założył w 1987 roku Paweł Żurawski. Firma zatrudnia 250 osób.",
        "Kto założył Świetlik?", "Paweł Żurawski", "Jan Kowal",
    ),
    "Vietnamese": WrittenPage(
        "Latin",
        "Bình Minh",
        "Bình Minh là một công ty ở Huế. Nguyễn Văn Hòa thành lập Bình Minh năm 1987. "
        "Công ty có 250 nhân viên.",
        "Ai thành lập Bình Minh?", "Nguyễn Văn Hòa", "Trần Quang Dũng",
    ),
    "Russian": WrittenPage(
        "Cyrillic",
        "Рассвет",
        "Рассвет — компания в Твери. Иван Лебедев основал Рассвет в 1987 году. "
        "В компании работают 250 человек.",
        "Кто основал Рассвет?", "Иван Лебедев", "Пётр Орлов",
    ),
    "Greek": WrittenPage(
        "Greek",
        "Ανατολή",
        "Η Ανατολή είναι εταιρεία στην Πάτρα. Ο Νίκος Παππάς ίδρυσε την Ανατολή το 1987. Η εταιρεία έχει 250 "
        "εργαζόμενους.",
        "Ποιος ίδρυσε την Ανατολή;", "Νίκος Παππάς", "Γιώργος Δήμας",
    ),
    "Armenian": WrittenPage(
        "Armenian",
        "Արևիկ",
        "Արևիկը ընկերություն է Գյումրիում։ Արամ Պետրոսյանը հիմնադրել է Արևիկը 1987 թվականին։ "
        "Ընկերությունն ունի 250 աշխատող։",
        "Ո՞վ է հիմնադրել Արևիկը։", "Արամ Պետրոսյան", "Տիգրան Սարգսյան",
    ),
    "Georgian": WrittenPage(
        "Georgian",
        "განთიადი",
        "განთიადი არის კომპანია ბათუმში. ნიკა ბერიძემ დააარსა განთიადი 1987 წელს. კომპანიაში 250 ადამიანი "
        "მუშაობს.",
        "ვინ დააარსა განთიადი?", "ნიკა ბერიძემ", "გიორგი კაპანაძემ",
    ),
    "Bengali": WrittenPage(
        "Bengali",
        "অরুণোদয়",
        "অরুণোদয় একটি কোম্পানি। রমেশ শর্মা ১৯৮৭ সালে অরুণোদয় প্রতিষ্ঠা করেন। কোম্পানিতে ২৫০ জন কাজ করেন।",
        "অরুণোদয় কে প্রতিষ্ঠা করেন?", "রমেশ শর্মা", "সুরেশ দাস",
    ),
    "Tamil": WrittenPage(
        "Tamil",
        "உதயம்",
        "உதயம் ஒரு நிறுவனம். ரமேஷ் குமார் 1987 இல் உதயம் நிறுவனத்தை தொடங்கினார். நிறுவனத்தில் 250 பேர் வேலை "
        "செய்கிறார்கள்.",
        "உதயம் நிறுவனத்தை தொடங்கியவர் யார்?", "ரமேஷ் குமார்", "சுரேஷ் ராஜா",
    ),
    "Thai": WrittenPage(
        "Thai",
        "อรุณ",
        "อรุณเป็นบริษัทในเชียงใหม่ สมชาย ใจดีก่อตั้งอรุณในปี 1987 บริษัทมีพนักงาน 250 คน",
        "ใครก่อตั้งอรุณ", "สมชาย ใจดี", "วิชัย ทองดี",
    ),
    "Amharic": WrittenPage(
        "Ethiopic",
        "ንጋት",
        "ንጋት በአዳማ የሚገኝ ኩባንያ ነው። አበበ ከበደ ንጋትን በ1987 መሠረተ። ኩባንያው 250 ሠራተኞች አሉት።",
        "ንጋትን ማን መሠረተ?", "አበበ ከበደ", "ታደሰ በቀለ",
    ),
}  # fmt: skip
"""Arabic, Hebrew, Hindi, Chinese, Japanese and Korean are in tests/unit/test_as_written.py."""


def becomes(language: str) -> dict[str, bool]:
    """Whether its sentences are found, its question comes to it, what it says is kept and what it does not
    say dropped, and an answer known in capitals."""
    one = PAGES[language]
    pages = [
        DocumentPage(name, each.title, tuple(sentences(each.text)), n)
        for n, (name, each) in enumerate(PAGES.items())
    ]

    def kept(answer: str) -> bool:
        (line,) = ground([f"Question: {one.asked}\nAnswer: {answer}"], one.title, one.text)
        return line.kept

    return {
        "sentences": len(sentences(one.text)) == 3,
        "routed": [found.key for found in CellRouter(pages).route(one.asked)][:1] == [language],
        "kept": kept(one.answer),
        "dropped": not kept(one.wrong),
        "graded": same_answer(one.asked, one.answer.upper(), one.answer)
        and not same_answer(one.asked, one.wrong, one.answer),
    }
