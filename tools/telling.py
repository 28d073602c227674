"""How a value becomes part of a sentence: `{{share:.0%}}` → 84 %, `{{words(n)}}` → seven.

This file is sent as text to a notebook's kernel and run there in a namespace of its own (`tools.bound`), so
it needs nothing but the standard library, and the learner's namespace stays as it is.
"""

import json
import math
import re

SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]
SMALL += ["twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
LARGE = {10**6: "million", 1000: "thousand", 100: "hundred"}
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SOURCE = re.compile(r"\b(1[89]|20)\d\d\b|https?://\S+")


def words(number) -> str:
    """Return a whole number in words: 7 → "seven", 23 → "twenty-three", 400 → "four hundred".

    Raises ValueError for a negative number, one that is not whole, and one of a billion or more.
    """
    if number != int(number) or not 0 <= number < 10**9:
        raise ValueError(f"no words for {number}: it must be whole and between 0 and a billion")
    number = int(number)
    for size, name in LARGE.items():
        if number >= size:
            many, rest = divmod(number, size)
            return f"{words(many)} {name}" + (f" {words(rest)}" if rest else "")
    tens, ones = divmod(number, 10)
    if number < 20:
        return SMALL[number]
    return TENS[tens] + (f"-{SMALL[ones]}" if ones else "")


def ordinal(number) -> str:
    """Return the place in words: 3 → "third", 10 → "tenth", 21 → "twenty-first"."""
    *before, last = re.split(r"([ -])", words(number))
    regular = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return "".join(before) + ORDINALS.get(last, regular)


def about(number, digits: int = 1) -> str:
    """Return a number rounded to so many leading digits, written out: about(1719, 2) → "1,700"."""
    if not (number and math.isfinite(number)):
        return f"{number:g}"
    places = digits - 1 - math.floor(math.log10(abs(number)))
    rounded = round(float(number), places)
    places = digits - 1 - math.floor(math.log10(abs(rounded)))  # 9.6 has become 10
    return f"{rounded:,.{max(0, places)}f}"


def power(number) -> str:
    """Return the power of ten that is nearest on a log scale: 2e-8 → "10⁻⁸"."""
    return f"10{str(round(math.log10(number))).translate(SUPERSCRIPT)}"


def given(text, source: str) -> str:
    """Return a fact that is no result of this course, as written; `source` names a year or an address.

    Raises ValueError where it names neither.
    """
    if not SOURCE.search(source):
        raise ValueError(f"given({text!r}, {source!r}): the source must hold a year or an address")
    return str(text)


def typeset(text: str) -> str:
    """Return text with true minus signs, 2.9×10⁻⁶ for 2.9e-06, and 84 % for 84%."""
    text = re.sub(r"(?<=\d)e([+-]?\d+)", lambda m: f"×10{str(int(m[1])).translate(SUPERSCRIPT)}", text)
    text = re.sub(r"(?<=\d)%", " %", text)
    return re.sub(r"(?<![\w)])-(?=\.?\d)", "−", text)


HELPERS = {f.__name__: f for f in (words, ordinal, about, power, given)}


def tell(fields: list[str], namespace: dict) -> str:
    """Evaluate each field as an f-string does, in `namespace`; return [text, error] pairs as JSON."""
    return json.dumps([_told(field, namespace) for field in fields])


def _told(field: str, namespace: dict) -> tuple[str | None, str | None]:
    try:
        text = typeset(_evaluate(field, namespace))
        if not text.strip() or "\n" in text:
            raise ValueError(f"gives {text!r}, which is no part of a line")
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
    return text, None


def _evaluate(field: str, namespace: dict) -> str:
    code = compile(f"f'''{{{field}}}'''", "<prose>", "eval")
    taken = sorted(set(code.co_names) & set(HELPERS) & set(namespace))
    if taken:
        raise NameError(f"{taken} is a name of the notebook and of tools.telling; rename it in the notebook")
    return eval(code, {**namespace, **HELPERS})
