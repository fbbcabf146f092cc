"""The daily compliance report as a document: a page for each campaign, with what was not kept at its head."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import escape

from softswitch.dialler.compliance import ComplianceDay
from softswitch.dialler.compliance_figures import lines_of

INK, QUIET, LINE, GOOD, BAD = "#16202b", "#4d5b6b", "#cfd8e3", "#0d6b33", "#a5141d"
LEGEND = (
    "A: calls in which nobody was heard in time, by the stricter of the two clocks. L: live calls passed to an agent "
    "in time. M: machines that an agent met. F: calls that the detector ended and that were people, as far as the "
    "reviewed recordings say; A' = A × (1 − M / (L + M)). Intervals are Wilson score intervals, 95 %."
)


def compliance_pdf(days: Sequence[ComplianceDay], site: str, made_at: datetime) -> bytes:
    """A PDF of A4 pages. Names may be in any script that DejaVu Sans has, and are nothing but text."""
    from reportlab.lib.enums import TA_RIGHT
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    regular, bold = _fonts()
    text = ParagraphStyle("text", fontName=regular, fontSize=9, leading=12, textColor=INK)
    figure = ParagraphStyle("figure", parent=text, fontName=bold, alignment=TA_RIGHT)
    title = ParagraphStyle("title", parent=text, fontName=bold, fontSize=17, leading=22)
    quiet = ParagraphStyle("quiet", parent=text, textColor=QUIET, spaceAfter=4 * mm)
    small = ParagraphStyle("small", parent=quiet, fontSize=7.5, leading=10)
    good = ParagraphStyle("good", parent=text, fontName=bold, fontSize=11, leading=15, textColor=GOOD)
    bad = ParagraphStyle("bad", parent=good, textColor=BAD)

    def foot(canvas: Canvas, _: object) -> None:
        canvas.saveState()
        canvas.setFont(regular, 7.5)
        canvas.setFillColor(QUIET)
        made = made_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        canvas.drawString(20 * mm, 11 * mm, f"{site} · compliance report · made {made}"[:110])
        canvas.drawRightString(190 * mm, 11 * mm, f"page {canvas.getPageNumber()}")
        canvas.restoreState()

    story: list[object] = []
    for each in days:
        if story:
            story.append(PageBreak())
        story += [
            Paragraph(escape(each.campaign), title),
            Paragraph(escape(f"{each.day}, midnight to midnight in {each.time_zone} · rules: {each.rules}"), quiet),
        ]
        story += [Paragraph(escape(f"Not kept: {breach}"), bad) for breach in each.breaches]
        if not each.breaches:
            story.append(Paragraph("All rules kept.", good))
        rows = [
            [Paragraph(escape(what).replace("  ", "&nbsp;&nbsp;&nbsp;"), text), Paragraph(escape(told), figure)]
            for what, told in lines_of(each)
        ]
        table = Table(rows, colWidths=[103 * mm, 62.5 * mm])
        table.setStyle(
            TableStyle(
                [
                    ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
                    ("LEFTPADDING", (0, 0), (-1, -1), 2),
                    ("TOPPADDING", (0, 0), (-1, -1), 2.5),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
                    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ]
            )
        )
        story += [Spacer(1, 3 * mm), table, Spacer(1, 5 * mm), Paragraph(LEGEND, small)]
    if not story:
        story.append(Paragraph("No campaign is set up, and none has dialled.", text))
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=18 * mm, bottomMargin=20 * mm,
        title="Compliance report", author=site, subject=", ".join(sorted({each.day for each in days})),
    )  # fmt: skip
    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _fonts() -> tuple[str, str]:
    """DejaVu Sans as matplotlib ships it, regular and bold, for names that are not Latin."""
    from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    found = find_spec("matplotlib")
    assert found is not None and found.submodule_search_locations  # among our dependencies
    folder = Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    names = ("DejaVuSans", "DejaVuSans-Bold")
    for name in names:
        if name not in getRegisteredFontNames():
            registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    return names
