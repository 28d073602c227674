"""Find the numbers in a source's prose that report something and are no expression.

    python -m tools.claims 03       what is refused in notebook 03 (default: in all)

A number in a markdown cell may be

* an expression, `{{share:.0%}}`, which is computed (`tools.bound`);
* a fact that is no result of this course, `{{given("0.739", "Géron 2019")}}`, or any number of a cell tagged
  `given`, if its own paragraph or list item holds a link or a year;
* set-up: it stands as a number in the code of the same section, or in code further up where it is a plain
  number above MAX_LOCAL; for 5 % there may be 0.05. Strings, comments and indices are no set-up;
* a name or a measure of the text: lesson 4, 90 minutes, a year, 28 × 28;
* in `code` (what is typed, or set in a lab: at most MAX_SET_DIGITS digits), $math$, a heading, a link, a tag,
  or a version such as 3.15.1.

All others are refused, number words included, but for the ORDINARY ones. So is a plain number that counts a
result ("about 40 times", "seven of ten"), even where the code happens to hold the same number.
"""

import ast
import re
import sys
from decimal import Decimal
from pathlib import Path

from nbformat import NotebookNode

from tools import bound, telling
from tools.sources import cells, source_paths

SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
MAX_LOCAL = 12  # plain numbers up to it stand in the code of nearly every section: only the same one counts
KNOWN = frozenset(map(Decimal, (0, 1, 28, 784)))  # of every image; zero and one are in every code
ORDINARY = {"two", "three", "ten", *telling.LARGE.values()}  # words that seldom report, but where they count
BLANK = "\N{FULL BLOCK}"  # stands for a hole: neither a letter nor a digit

FREE = re.compile(
    r"^(?P<fence>```|~~~).*?^(?P=fence)"  # code block
    r"|(?P<code>`[^`]+`|<code>.*?</code>)"  # code in a line
    r"|\$\$.*?\$\$|\\begin\{(?P<env>\w+\*?)\}.*?\\end\{(?P=env)\}"  # displayed math
    r"|(?<!\\)\$(?!\s)[^$]+?\$"  # math in a line
    r"|^[ ]{0,3}\#{1,6}[ ][^\n]*"  # heading
    r"|^\s*\d+\.(?=\s)|^\|\s*\d+\s*\|"  # the number of a list item, or of a table's row
    r"|√\s?\d+|\b\d+\s?/\s?[a-z]\w+"  # √2, 1 / fan_in: a formula
    r"|!?\[[^\]]*\]\([^)]*\)"  # link, image
    r"|<!--.*?-->|</?[a-zA-Z][^>]*>|https?://\S+",  # HTML tag, bare address
    re.DOTALL | re.MULTILINE,
)
TOLD_AS_CODE = re.compile(r"`[-−]?\d[\d,.]*`")
MAX_SET_DIGITS = 2  # a number in `code` with more than these is a result in disguise

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
ONES = "|".join(telling.SMALL[2:])
TENS = "|".join(telling.TENS[2:])
LARGE = "|".join(telling.LARGE.values())
WORD = re.compile(
    rf"\b(?P<ones>(?:{TENS})-(?:{'|'.join(telling.SMALL[1:10])})|{TENS}|{ONES})(?:[\s-](?P<many>{LARGE}))?\b"
    rf"|\b(?P<large>{LARGE})\b(?!th)",
    re.IGNORECASE,
)

# What a number names or measures, and no lesson computes: before it, and after it.
NAMED = re.compile(
    r"\b(lessons?|sections?|exercises?|steps?|part|Python|Keras|NumPy|seed|ResNet-|VGG-)["
    r"\s-]*(\d+(,|\sto|\sand|\sor)\s)*$",
    re.IGNORECASE,
)
UNITS = re.compile(
    r"\s?[-–]?(minutes?|bits?\b|(other )?lessons|ways|kinds|things to try|reasons|pages|days)\b"
)
SIZE = re.compile(r"\d\s?$"), re.compile(r"\s?×\s?\d")
YEAR = re.compile(r"(1[89]|20)\d\d")

# What makes a plain number the count of a result.
ROUGHLY = re.compile(
    r"\b(about|nearly|almost|roughly|around|some|(more|fewer|less) than|at (least|most)|a factor( of)?)\s$",
    re.IGNORECASE,
)
COUNTS = re.compile(
    rf"\s?(-fold\b|fold\b|times\b(?! as many\b)|(out )?of (the |its |our |all )?({ONES}|\d+\b|{BLANK}))"
)

SECTION = re.compile(r"^(?=## )", re.MULTILINE)
PARAGRAPH = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.|\|)\s)")


def unbound_numbers(source: Path) -> list[tuple[int, str]]:
    """Return (cell index in the source, what is refused) for every number that reports and is no expression.

    An expression that is no field of an f-string, or holds no name, is refused, too.
    """
    all_cells = cells(source)
    local, above = _set_up(all_cells)
    found, section = [], 0
    for index, cell in enumerate(all_cells):
        if cell.cell_type != "markdown":
            continue
        found += [(index, problem) for field in bound.fields(cell.source) for problem in _poor(field)]
        for k, piece in enumerate(SECTION.split(cell.source)):
            section += k > 0
            told = _given_left_out(piece) if "given" in cell.metadata.get("tags", []) else piece
            found += [(index, number) for number in refused(told, local[section], above[section])]
    return found


def refused(text: str, local: set[Decimal], above: set[Decimal]) -> list[str]:
    """Return the numbers of a text that are refused, each with some words around it.

    `local` are the numbers in the code of the same section, `above` those of this one and all before it.
    """
    plain = prose(text)
    matches = sorted([*NUMBER.finditer(plain), *WORD.finditer(plain)], key=lambda match: match.start())
    return [_quoted(match, plain) for match in matches if not _allowed(match, plain, local, above)]


def prose(text: str) -> str:
    """Return markdown text with code, math, headings, links and tags left out, and a BLANK in each hole."""
    text = bound.HOLE.sub(BLANK, text)
    text = TOLD_AS_CODE.sub(lambda m: m[0][1:-1] if _digits(m[0]) > MAX_SET_DIGITS else m[0], text)
    return FREE.sub(" ", text)


def _digits(number: str) -> int:
    return len(re.sub(r"\D", "", number).strip("0"))


def _allowed(match: re.Match, text: str, local: set[Decimal], above: set[Decimal]) -> bool:
    before, after = text[: match.start()], text[match.end() :]
    if match.re is WORD:
        values, marked = {Decimal(_worth(match))}, False
    else:
        value = _value(match)
        values = {value, -value, value / 100} if match["percent"] else {value, -value}
        marked = _is_marked(match, before)
        if not marked and ((match["times"] and SIZE[0].search(before[-2:])) or SIZE[1].match(after)):
            return True
    if not marked:
        if NAMED.search(before) or UNITS.match(after) or YEAR.fullmatch(match[0].strip()):
            return True
        if COUNTS.match(after) or (max(values) > 1 and ROUGHLY.search(before)):
            return False
        if match.re is WORD and match[0].lower() in ORDINARY:
            return True
    wide = not marked and max(values) > MAX_LOCAL
    return bool(values & (above if wide else local))


def _is_marked(match: re.Match, before: str) -> bool:
    """Say whether the number has a point, an exponent, a percent sign or a factor's sign."""
    alone = match["times"] and not re.search(r"\d\s?$", before)  # in "28 ×28" it is a size
    marked = match["power"] or match["e"] or match["ten"] or match["percent"] or match["fold"]
    return bool(marked or alone or "." in match["digits"])


def _value(match: re.Match) -> Decimal:
    exponent = (match["e"] or match["ten"] or "0").translate(SUPERSCRIPT).replace("−", "-").strip("^{}")
    digits = "1" if match["power"] else match["digits"].replace(",", "")
    return Decimal(digits).scaleb(int(exponent))


def _worth(match: re.Match) -> int:
    sizes = {name: size for size, name in telling.LARGE.items()}
    tens, _, ones = (match["ones"] or "one").lower().partition("-")
    small = telling.SMALL.index(tens) if tens in telling.SMALL else 10 * telling.TENS.index(tens)
    small += telling.SMALL.index(ones) if ones else 0
    return small * sizes.get((match["many"] or match["large"] or "").lower(), 1)


def _quoted(match: re.Match, text: str) -> str:
    around = text[max(0, match.start() - 40) : match.end() + 25].replace(BLANK, "{{…}}")
    return f"{match[0].strip()!r} in '…{' '.join(around.split())}…'"


def _poor(field: str) -> list[str]:
    try:
        own = bound.names(field) - set(telling.HELPERS)
    except SyntaxError as error:
        return [f"{{{{{field}}}}}: {error.msg}"]
    fact = field.lstrip().startswith("given(")
    return (
        [] if own or fact else [f"{{{{{field}}}}} holds no name of the notebook: it is a number in disguise"]
    )


def _given_left_out(text: str) -> str:
    return "\n\n".join(part for part in PARAGRAPH.split(text) if not telling.SOURCE.search(part))


def _set_up(all_cells: list[NotebookNode]) -> tuple[list[set[Decimal]], list[set[Decimal]]]:
    """Return the numbers in the code, section by section: its own, and with those of the sections before."""
    local = [set(KNOWN)]
    for cell in all_cells:
        if cell.cell_type == "code":
            local[-1] |= constants(cell.source)
        else:
            local += [set(KNOWN) for _ in SECTION.split(cell.source)[1:]]
    return local, [set().union(*local[: k + 1]) for k in range(len(local))]


def constants(code: str) -> set[Decimal]:
    """Return the sizes of the numbers that stand in code: no indices, no strings, no axis."""
    tree = ast.parse(code)
    left_out = [node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    left_out += [
        node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "axis"
    ]
    left_out += [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    unwanted = {id(inner) for node in left_out for inner in ast.walk(node)}
    numbers = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in unwanted
    ]
    return {abs(Decimal(str(n))) for n in numbers if isinstance(n, int | float) and not isinstance(n, bool)}


def main(names: list[str]) -> int:
    """Print what is refused in the sources whose names begin so; return 1 where there is any."""
    found = 0
    for name, source in source_paths().items():
        if not names or name.startswith(tuple(names)):
            problems = unbound_numbers(source)
            found += len(problems)
            print(
                *[f"{name}, cell {index} of the source: {problem}" for index, problem in problems], sep="\n"
            )
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
