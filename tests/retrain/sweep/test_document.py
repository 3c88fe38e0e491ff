from retrain.sweep.document import Beside, Grid, Heading, Paragraph, Picture, markdown, page, plain

EVIL = "<script>alert(1)</script> | `x` *y* [z](javascript:1) & $m$\n# no heading"


def blocks() -> list[Heading | Paragraph | Grid | Picture | Beside]:
    grid = Grid(caption=EVIL, header=("a", EVIL), rows=((EVIL, "-0.1 (93.5)"),))
    return [
        Heading(level=1, text=EVIL),
        Paragraph(text=EVIL),
        Beside(grids=(grid, grid)),
        Picture(file="a.png", about=EVIL, content=b"\x89PNG"),
    ]


def test_nothing_in_a_name_is_markup_in_html() -> None:
    written = page(EVIL, blocks())
    assert "<script" not in written
    assert written.count("&lt;script&gt;") == 10  # title, heading, paragraph, twice three in tables, picture
    assert 'src="data:image/png;base64,' in written
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in written
    assert "http://" not in written
    assert "https://" not in written


def test_nothing_in_a_name_is_markup_in_markdown() -> None:
    written = markdown(blocks())
    assert "<script" not in written.replace(r"\<script", "")
    assert r"\[z\](javascript:1)" in written
    table = [line for line in written.splitlines() if line.startswith("| ")]
    assert {line.replace(r"\|", "").count("|") for line in table} == {3}
    assert sum(line.startswith("#") for line in written.splitlines()) == 1


def test_figures_stay_as_they_are_and_a_number_begins_no_list() -> None:
    assert plain("-0.1 (93.5 to 97.2)") == "-0.1 (93.5 to 97.2)"
    assert markdown([Paragraph(text="1. first")]) == "\\1. first\n"
