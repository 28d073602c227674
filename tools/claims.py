"""Find the numbers in a notebook's prose that no cell above them has computed.

A *claim* is a number in a markdown cell that has a decimal point (0.23), an exponent (9.5e-7, 9.5×10⁻⁷,
10⁻⁷), a percent sign (23 %), or a multiplication sign on one side (×32, 32×). Plain integers are free: they
count layers, cells and minutes. A claim is *backed* when the same number, with the same digits, stands

* in a text output (stdout, `text/plain`, `text/html`, `text/markdown`) of a code cell above it, or
* in the code of a code cell above it, comments left out.

There is no rounding: print what you claim (`f"{x:.2f}"`), then write it. Spelling does not matter: 9.5e-07 is
9.5×10⁻⁷, 0.50 is 0.5, and 23 % is backed by 23 or by 0.23. A number written without a sign is backed by the
negative one too ("falls by 0.5"), but "−0.5" needs −0.5.

Free are numbers in headings, links, `code`, code blocks, `$math$` and versions such as 3.15.1, and every
number of a cell tagged `given` (further reading, dates, facts taken from a paper that is named there).
"""

import re
from decimal import Decimal

from nbformat import NotebookNode

SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
BACKING_TYPES = ("text/plain", "text/html", "text/markdown")

FREE = re.compile(
    r"^(?P<fence>```|~~~).*?^(?P=fence)"  # code block
    r"|`[^`]+`"  # code in a line
    r"|\$\$.*?\$\$|\\begin\{(?P<env>\w+\*?)\}.*?\\end\{(?P=env)\}"  # displayed math
    r"|(?<!\\)\$(?!\s)[^$]+?\$"  # math in a line
    r"|^[ ]{0,3}\#{1,6}[ ][^\n]*"  # heading
    r"|!?\[[^\]]*\]\([^)]*\)"  # link, image
    r"|<!--.*?-->|</?[a-zA-Z][^>]*>|https?://\S+",  # HTML tag, bare address
    re.DOTALL | re.MULTILINE,
)

# No possessive quantifiers: Python 3.11.0 to 3.11.4 match them wrongly. The look-ahead after the digits keeps
# a shorter number from matching instead.
NUMBER = re.compile(
    r"(?P<sign>(?<![\w)\]}.])[-−])?"
    r"(?P<times>×\s?)?"
    r"(?<![A-Za-z0-9_.])"
    r"(?:(?P<power>10(?=[⁻⁺⁰¹²³⁴-⁹]|\^\{?[-−]?\d))"
    r"|(?P<digits>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?!\.?\d))"
    r"(?:[eE](?P<e>[-+−]?\d+)|(?(power)|\s?[×·]\s?10)(?P<ten>[⁻⁺⁰¹²³⁴-⁹]+|\^\{?[-−]?\d+\}?))?"
    r"(?P<percent>\s?(?:%|per\s?cent\b))?"
    r"(?P<fold>\s?×(?!\s?\d))?"
)


def unbacked_numbers(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Return (cell index, number as written) for every claim in the prose that no cell above it backs.

    The module's docstring says what is a claim and what backs it.
    """
    known, unbacked = set(), []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            known |= {_value(match) for match in _numbers(_said(cell))}
        elif "given" not in cell.metadata.get("tags", []):
            claims = [match for match in _claims(cell.source) if not _backed(match, known)]
            unbacked += [(index, match[0].strip()) for match in claims]
    return unbacked


def prose(text: str) -> str:
    """Return markdown text with code, math, headings, links and tags blanked out."""
    return FREE.sub(" ", text)


def _claims(text: str) -> list[re.Match]:
    plain = prose(text)
    return [match for match in _numbers(plain) if _is_claim(match, plain)]


def _numbers(text: str) -> list[re.Match]:
    return list(NUMBER.finditer(text))


def _is_claim(match: re.Match, text: str) -> bool:
    marked = match["power"] or match["e"] or match["ten"] or match["percent"] or match["fold"]
    alone = match["times"] and not re.search(r"\d\s?$", text[: match.start()])  # in "28 ×28" it is a size
    return bool(marked or alone or "." in match["digits"])


def _value(match: re.Match) -> Decimal:
    exponent = (match["e"] or match["ten"] or "0").translate(SUPERSCRIPT).replace("−", "-").strip("^{}")
    digits = "1" if match["power"] else match["digits"].replace(",", "")
    value = Decimal(digits).scaleb(int(exponent))
    return -value if match["sign"] else value


def _backed(match: re.Match, known: set[Decimal]) -> bool:
    value = _value(match)
    readings = {value, value / 100} if match["percent"] else {value}
    if not match["sign"]:
        readings |= {-reading for reading in readings}
    return bool(readings & known)


def _said(cell: NotebookNode) -> str:
    code = re.sub(r"#.*", "", cell.source)
    return "\n".join([code, *(output_text(output) for output in cell.outputs)])


def output_text(output: NotebookNode) -> str:
    """Return what an output says in text: a stream, or the text types of a displayed object, tags removed."""
    if output.output_type == "stream":
        return output.text
    texts = [output.data[kind] for kind in BACKING_TYPES if kind in output.get("data", {})]
    return "\n".join(re.sub(r"</?[a-zA-Z][^>]*>", " ", text) for text in texts)
