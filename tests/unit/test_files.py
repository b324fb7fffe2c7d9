"""Files as the world writes them: front matter, headings, encodings, pages, books and tables."""

from __future__ import annotations

import contextlib
import io
import sys
import time
import zipfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seal.domains.knowledge import load_contexts
from seal.domains.knowledge.units import units_of
from seal.errors import InputError, InputFileError

BODY = "Halden Tower was built in 1911 by Ines Calloway."
WORD = st.text(st.sampled_from("abcdefghikmnoprstuvwy"), min_size=3, max_size=9)
LINE = st.lists(WORD, min_size=1, max_size=6).map(" ".join)
ONCE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def one(path: Path, content: str | bytes) -> tuple[str, str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    [context] = load_contexts(path)
    return context.title, context.text


FRONT = [
    ("---\ntitle: The Tower\ntags: [a, b]\n---\n\n" + BODY, "The Tower", BODY),
    ("---\r\ntitle: 'The Tower'\r\n---\r\n# The Tower\r\n\r\n" + BODY, "The Tower", BODY),
    ("---\ntitle: Halden: a guide\n---\n" + BODY, "Halden: a guide", BODY),  # no YAML, and common
    ("---\ntitle: 1.10\n---\n" + BODY, "1.10", BODY),
    ("---\ntitle: NO\n...\n" + BODY, "NO", BODY),
    ("---\ntitle: >-\n  A long\n  title\n---\n" + BODY, "A long title", BODY),
    ("+++\ntitle = 'The Tower'\ndate = 2020-01-01\n+++\n" + BODY, "The Tower", BODY),
    ("\ufeff---\nTitle: The Tower\n---\n" + BODY, "The Tower", BODY),
    ("---\ntags:\n- a\n---\n# The Tower\n" + BODY, "The Tower", BODY),
    ("---\ntitle: The Guide\n---\n# The Tower\n" + BODY, "The Guide", "# The Tower\n" + BODY),
    ("---\nNo key here.\n---\n" + BODY, "doc", "---\nNo key here.\n---\n" + BODY),
]


@pytest.mark.parametrize(("content", "title", "text"), FRONT)
def test_front_matter_has_the_title_and_is_no_text(
    tmp_path: Path, content: str, title: str, text: str
) -> None:
    assert one(tmp_path / "doc.md", content) == (title, text)


@ONCE
@given(title=LINE, more=st.dictionaries(WORD, LINE, max_size=3), body=LINE)
def test_any_front_matter(tmp_path: Path, title: str, more: dict[str, str], body: str) -> None:
    block = yaml.safe_dump({**more, "title": title}, allow_unicode=True)
    assert one(tmp_path / "doc.md", f"---\n{block}---\n\n{body}.\n") == (title, f"{body}.")


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (f"{BODY}\n\n# Opening hours\n\nFrom 9 to 5.", "doc"),
        (f"# The Tower\n\n{BODY}\n\n# Opening hours\n\nFrom 9 to 5.", "The Tower"),
        (f"<!-- by A. -->\n\n[![built](x.png)](y)\n\n# **The** [Tower](http://x.y)\n\n{BODY}", "The Tower"),
        (f"The Tower\n=========\n\n{BODY}", "The Tower"),
        (f"```\n# a comment\n```\n{BODY}", "doc"),
    ],
)
def test_a_heading_is_the_title_at_the_top_only(tmp_path: Path, content: str, title: str) -> None:
    found, text = one(tmp_path / "doc.md", content)
    assert found == title and BODY in text
    assert ("Opening hours" in text) == ("Opening hours" in content)


@ONCE
@given(before=LINE, section=LINE, after=LINE, level=st.integers(1, 6))
def test_a_heading_further_down_stays_a_section(
    tmp_path: Path, before: str, section: str, after: str, level: int
) -> None:
    title, text = one(tmp_path / "doc.md", f"{before}.\n\n{'#' * level} {section}\n\n{after}.\n")
    assert title == "doc" and section in text
    assert (section, f"{after}.") in {(u.heading, u.text) for u in units_of(title, text)}


SAMPLES = {
    "de": "Das Café an der Straße wurde 1911 von Jürgen Müller eröffnet. Es schließt um fünf Uhr.",
    "fr": "L'hôtel a été fondé en 1874 par Hélène Bérard, près de la forêt.",
    "es": "El señor Núñez fundó la compañía en España en 1920.",
    "pl": "Wieża została zbudowana w 1911 roku przez Łukasza Źródło. Zażółć gęślą jaźń.",
    "ru": "Башня была построена в 1911 году инженером Иваном Петровым в городе Халден.",
    "ja": "塔は1911年に東京で建てられました。設計者は田中一郎です。",
    "zh": "这座塔建于1911年，由张伟设计，位于北京市中心。",
    "tw": "這座塔建於1911年，由張偉設計，位於臺北市中心。",
    "ko": "이 탑은 1911년에 서울에 세워졌다. 설계자는 김민수이다.",
    "el": "Ο πύργος χτίστηκε το 1911 από τον Γιώργο Παπαδόπουλο στην Αθήνα.",
    "tr": "Kule 1911 yılında İstanbul'da Ahmet Yılmaz tarafından inşa edildi. Şişli ve bir deniz.",
    "he": "המגדל נבנה בשנת 1911 על ידי משה כהן בירושלים.",
    "ar": "تم بناء البرج في عام 1911 على يد أحمد محمد في القاهرة.",
    "en": "The café’s “best” dish costs £4 – it is crème brûlée.",
}
ENCODED = [
    *(("de", e) for e in ("cp1252", "cp850", "mac_roman", "utf-16", "utf-16-le", "utf-16-be", "utf-32")),
    *(("fr", e) for e in ("cp1252", "mac_roman", "cp850", "utf-8-sig")),
    ("es", "cp1252"),
    *(("pl", e) for e in ("cp1250", "iso8859-2", "cp852")),
    *(("ru", e) for e in ("cp1251", "koi8-r", "cp866", "iso8859-5", "utf-16-le")),
    *(("ja", e) for e in ("shift_jis", "euc-jp", "iso2022_jp")),
    *(("zh", e) for e in ("gb18030", "utf-16-le", "utf-16-be")),
    ("tw", "big5"),
    ("ko", "euc-kr"),
    *(("el", e) for e in ("cp1253", "iso8859-7")),
    ("tr", "cp1254"),
    ("he", "cp1255"),
    ("ar", "cp1256"),
    ("en", "cp1252"),
]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_characters_without_a_mark_and_without_a_zero(tmp_path: Path, encoding: str) -> None:
    text = "青石桥博物馆位于杭州市西湖区，由建筑师陈国华设计。馆前的石桥建于明朝。"
    (tmp_path / "doc.txt").write_bytes(text.encode(encoding))
    assert [context.text for context in load_contexts(tmp_path / "doc.txt")] == [text]


def test_names_and_halves_of_characters(tmp_path: Path) -> None:
    name = tmp_path / "two\nlines\x1b[31m.txt"
    name.write_text("The mill stands on the river.")
    (tmp_path / "a.jsonl").write_text(
        '{"title": "M\\ud800", "text": "A \\udfff mill.", "question": "W\\ud800?", "answer": "x"}'
    )
    (tmp_path / "gone.txt").symlink_to("nowhere.txt")
    assert load_contexts(name)[0].title == "two lines [31m"
    [half] = load_contexts(tmp_path / "a.jsonl")
    assert (half.title, half.text, half.questions[0].text) == ("M\ufffd", "A \ufffd mill.", "W\ufffd?")
    with pytest.raises(InputFileError, match=r"a link to nowhere\.txt"):
        load_contexts(tmp_path / "gone.txt")


@pytest.mark.parametrize(("language", "encoding"), ENCODED)
def test_encodings_are_found_and_said(tmp_path: Path, language: str, encoding: str) -> None:
    path = tmp_path / "doc.txt"
    path.write_bytes(SAMPLES[language].encode(encoding))
    said: list[str] = []
    [context] = load_contexts(path, notice=said.append)
    assert context.text == SAMPLES[language]
    declares_itself = encoding in ("utf-8-sig", "utf-16", "utf-32")
    assert len(said) == (not declares_itself) and all("doc.txt: read as" in text for text in said)


GERMAN = [
    "Die Straße nach Köln ist gesperrt",
    "Der Bürgermeister von Schönau heißt Jörg Bäcker und ist 45",
    "Das Frühstück für zwölf Gäste kostet 30 Euro",
    "Größe und Höhe sind nicht bekannt",
]
RUSSIAN = [
    "Дорога в город закрыта",
    "Мэра зовут Иван Сергеев, и ему 45 лет",
    "Завтрак для двенадцати гостей стоит 30 рублей",
    "Высота башни не известна",
]


@ONCE
@given(
    told=st.one_of(
        *(
            st.tuples(st.lists(st.sampled_from(lines), min_size=1, max_size=6), st.sampled_from(encodings))
            for lines, encodings in (
                (GERMAN, ["cp1252", "mac_roman", "cp850", "utf-16-le"]),
                (RUSSIAN, ["cp1251", "koi8-r", "cp866", "iso8859-5"]),
            )
        )
    )
)
def test_a_text_is_the_same_in_any_encoding(tmp_path: Path, told: tuple[list[str], str]) -> None:
    text = ". ".join(told[0]) + "."
    assert one(tmp_path / "doc.txt", text.encode(told[1]))[1] == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a picture"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"\x00\x01\x02 binary", "no text"),
        ("Größe und Höhe, Straße: ".encode() + b"\xe4", "is UTF-8, but not at byte 0xe4"),
        (bytes(range(128, 256)), "no other encoding"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "doc.txt").write_bytes(content)
    with pytest.raises(InputFileError, match=said) as caught:
        load_contexts(tmp_path / "doc.txt")
    assert caught.value.hint and "doc.txt" in str(caught.value)


ROWS = st.lists(st.tuples(WORD, st.integers(1, 999).map(str), WORD), min_size=1, max_size=5)


@ONCE
@given(rows=ROWS, separator=st.sampled_from(",;\t|"))
def test_every_row_of_a_csv_is_a_sentence_about_its_headings(
    tmp_path: Path, rows: list[tuple[str, str, str]], separator: str
) -> None:
    lines = [separator.join(('"Plan"', "Price", "Home town")), *(separator.join(row) for row in rows)]
    title, text = one(tmp_path / "plans.csv", "\n".join(lines))
    told = [unit.text for unit in units_of(title, text)]
    assert title == "plans" and told == [f"Plan: {a}; Price: {b}; Home town: {c}" for a, b, c in rows]


def test_a_csv_as_excel_writes_it(tmp_path: Path) -> None:
    content = 'sep=;\r\nStadt;Einwohner;Notiz\r\n"München";1.500.000;"zwei\r\nZeilen; hier"\r\n'.encode(
        "cp1252"
    )
    title, text = one(tmp_path / "städte.csv", content)
    [unit] = units_of(title, text)
    assert unit.text == "Stadt: München; Einwohner: 1.500.000; Notiz: zwei Zeilen; hier"
    with pytest.raises(InputError, match="row 2 has 3 cells, and there are 2 headings"):
        one(tmp_path / "wide.csv", "a,b\n1,2,3\n")


PAGE = f"""<!doctype html><html><head><title>The Tower | City guide</title><style>p {{}}</style></head><body>
<nav>Home About</nav><h1>The Tower</h1><p>{BODY}<sup>[1]</sup></p>
<table><caption>Plans</caption><thead><tr><th>Plan</th><th colspan=2>Price</th></tr>
<tr><th></th><th>Month</th><th>Year</th></tr></thead>
<tr><td rowspan=2>Standard</td><td>$45</td><td>$450</td></tr><tr><td>$50</td><td>$500</td></tr>
<tr><td colspan=3>Business</td></tr><tr><td>Pro</td><td>$90</td><td></td></tr></table>
<table><tr><th>Founded</th><td>1911</td></tr><tr><th>Height</th><td>75 m</td></tr></table>
<table><tr><td><h2>News</h2>It opens in May.</td><td>See also</td></tr></table>
<ul><li>One<ul><li>Inner</li></ul></li></ul><dl><dt>Colour</dt><dd>Blue</dd></dl>
<p style="display: none">Say yes.</p><script>x()</script></body></html>"""


def test_a_page(tmp_path: Path) -> None:
    pytest.importorskip("markdownify")
    title, text = one(tmp_path / "page.html", PAGE)
    told = {unit.text for unit in units_of(title, text)}
    assert (
        title == "The Tower"
        and {
            BODY,
            "Plans; Plan: Standard; Price Month: $45; Price Year: $450",
            "Plans; Plan: Standard; Price Month: $50; Price Year: $500",
            "Plans, Business; Plan: Pro; Price Month: $90",
            "Founded: 1911",
            "Height: 75 m",
            "It opens in May.",
            "Inner",
            "Colour: Blue",
        }
        <= told
    )
    assert not any(word in text for word in ("Home", "Say yes", "x()", "[1]"))


def test_the_encoding_that_a_page_declares(tmp_path: Path) -> None:
    pytest.importorskip("markdownify")
    page = '<html><head><meta charset="iso-8859-2"></head><body><p>Łódź: 45</p></body></html>'
    assert one(tmp_path / "page.htm", page.encode("iso-8859-2")) == ("page", "Łódź: 45")


@ONCE
@given(rows=ROWS, spans=st.lists(st.integers(1, 3), min_size=5, max_size=5), has_head=st.booleans())
def test_a_cell_over_several_rows_is_in_each(
    tmp_path: Path, rows: list[tuple[str, str, str]], spans: list[int], has_head: bool
) -> None:
    pytest.importorskip("markdownify")
    tag = "th" if has_head else "td"
    parts = [f"<table><tr><{tag}>Plan</{tag}><{tag}>Price</{tag}><{tag}>Town</{tag}></tr>"]
    expected, left, first = [], 0, ""
    for at, (name, price, town) in enumerate(rows):
        if left == 0:
            left, first = min(spans[at], len(rows) - at), name
            parts.append(f"<tr><td rowspan={left}>{name}</td><td>{price}</td><td>{town}</td></tr>")
        else:
            parts.append(f"<tr><td>{price}</td><td>{town}</td></tr>")
        left -= 1
        expected.append(f"Plan: {first}; Price: {price}; Town: {town}")
    title, text = one(tmp_path / "page.html", f"<html><body>{''.join(parts)}</table></body></html>")
    assert [unit.text for unit in units_of(title, text)] == expected


@pytest.mark.parametrize("part", ["<table>", "<meta ", "<td>", "<ul><li>", "<!--", "<a b='", "&amp", "</p>"])
def test_a_page_of_any_kind_is_read_in_proportion_to_its_length(tmp_path: Path, part: str) -> None:
    pytest.importorskip("markdownify")
    began = time.process_time()
    with contextlib.suppress(InputError):
        one(tmp_path / "page.html", "<html><body>Text " + part * (200_000 // len(part)))
    assert time.process_time() - began < 10  # where the square of it would be minutes


def packed(files: dict[str, str]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return raw.getvalue()


TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(body: str) -> bytes:
    return packed(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            f'<Override PartName="/word/document.xml" ContentType="{TYPES}"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{OFFICE}" Target="word/document.xml"/></Relationships>',
            "word/document.xml": f'<w:document xmlns:w="{WORDS}"><w:body>{body}</w:body></w:document>',
        }
    )


def paragraph(text: str, style: str = "") -> str:
    set_in = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{set_in}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word_table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def epub(*chapters: str) -> bytes:
    listed = "".join(f'<item id="c{n}" href="ch%20{n}.xhtml"/>' for n in range(len(chapters)))
    order = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
    head = '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Book</dc:title></metadata>'
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="OEBPS/b.opf"/></container>',
            "OEBPS/b.opf": f"<package>{head}<manifest>{listed}</manifest><spine>{order}</spine></package>",
            **{f"OEBPS/ch {n}.xhtml": f"<html><body>{text}</body></html>" for n, text in enumerate(chapters)},
        }
    )


def test_a_word_document(tmp_path: Path) -> None:
    pytest.importorskip("mammoth")
    pytest.importorskip("markdownify")
    body = paragraph("The Tower", "Heading1") + paragraph(BODY)
    title, text = one(tmp_path / "a.docx", docx(body + word_table(("Plan", "Price"), ("Pro", "$90"))))
    assert title == "The Tower"
    assert [unit.text for unit in units_of(title, text)] == [BODY, "Plan: Pro; Price: $90"]


def test_a_book(tmp_path: Path) -> None:
    pytest.importorskip("markdownify")
    raw = epub("<h1>Second</h1><p>It ends.</p>", f"<h1>First</h1><p>{BODY}</p>")
    title, text = one(tmp_path / "a.epub", raw)
    assert title == "The Book" and text == f"# First\n\n{BODY}\n\n# Second\n\nIt ends."


def pdf(n_pages: int) -> bytes:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_pdf import PdfPages

    raw = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}), PdfPages(raw) as pages:
        for n in range(n_pages):
            figure = plt.figure(figsize=(8.27, 11.69))
            figure.text(0.1, 0.97, "Halden guide", fontsize=8)
            figure.text(0.5, 0.02, f"Page {n + 1} of {n_pages}", fontsize=8)
            for at, line in enumerate((f"Sheet {n} begins here", "and goes on", "to its end.")):
                figure.text(0.1, 0.9 - at * 0.017, line, fontsize=10)
            for column, name in ((0.1, "Left"), (0.6, "Right")):
                for at, line in enumerate((f"{name} column begins", "and ends here.")):
                    figure.text(column, 0.7 - at * 0.017, line, fontsize=10)
            if n == 0:
                axes = figure.add_axes((0.1, 0.3, 0.6, 0.2))
                axes.axis("off")
                rows = [["Standard", "$45"], ["Pro", "$90"]]
                axes.table(cellText=rows, colLabels=["Plan", "Price"], loc="center")
            pages.savefig(figure)
            plt.close(figure)
    return raw.getvalue()


def test_a_pdf(tmp_path: Path) -> None:
    pytest.importorskip("pdfplumber")
    title, text = one(tmp_path / "guide.pdf", pdf(3))
    told = [unit.text for unit in units_of(title, text)]
    assert title == "guide" and "Halden guide" not in text and "Page" not in text
    for n in range(3):
        assert f"Sheet {n} begins here and goes on to its end." in told
    assert (
        told.count("Left column begins and ends here.")
        == 3
        == told.count("Right column begins and ends here.")
    )
    assert "Plan: Standard; Price: $45" in told and "Plan: Pro; Price: $90" in told


@pytest.mark.parametrize(
    ("name", "module", "content"),
    [
        ("a.docx", "mammoth", docx("")),
        ("a.docx", "mammoth", b"no archive"),
        ("a.epub", "markdownify", packed({"x": "y"})),
        ("a.html", "markdownify", b"<html><body></body></html>"),
        ("a.html", "markdownify", b"<div>" * 20_000 + b"x"),
        ("a.pdf", "pdfplumber", b"%PDF-1.4 broken"),
        ("a.parquet", "pyarrow", b"PAR1 broken"),
    ],
)
def test_broken_and_empty_files_are_named(tmp_path: Path, name: str, module: str, content: bytes) -> None:
    pytest.importorskip(module)
    with pytest.raises(InputError, match=name) as caught:
        one(tmp_path / name, content)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "module", "extra", "content"),
    [
        ("a.html", "bs4", "documents", PAGE.encode()),
        ("a.docx", "mammoth", "documents", docx(paragraph(BODY))),
        ("a.epub", "bs4", "documents", epub(BODY)),
        ("a.pdf", "pdfplumber", "documents", b"%PDF-1.7"),
        ("a.parquet", "pyarrow", "data", b"PAR1"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str, content: bytes
) -> None:
    for known in [known for known in sys.modules if known.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, module, None)  # type: ignore[arg-type]
    with pytest.raises(InputFileError, match=rf"needs the package {module}") as caught:
        one(tmp_path / name, content)
    assert f"seal-lm[{extra}]" in caught.value.hint
