"""Bound numbers: `{{ratio:.1e}}` in a source's prose is evaluated in the notebook's kernel, at that place.

What stands between the braces is a field of a Python f-string; `tools.telling` says what else it may use and
how the result is written. A text with such *holes* is a template. Evaluating leaves no trace: no execution
count, no history, no name.
"""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

from tools import telling

HOLE = re.compile(r"\{\{(.+?)\}\}(?!\})", re.DOTALL)
MAX_TOLD = 80  # characters: what fills a hole is a number or a few words
TELLING = Path(telling.__file__).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Told:
    """What the kernel made of one field: the text, or the error in words."""

    field: str
    text: str | None
    error: str | None


def fields(template: str) -> list[str]:
    """Return what stands in the holes, in order, each on one line."""
    return [re.sub(r"\s*\n\s*", " ", field) for field in HOLE.findall(template)]


def names(field: str) -> set[str]:
    """Return the names that a field uses. Raises SyntaxError where it is no field of an f-string."""
    tree = ast.parse(f"f'''{{{field}}}'''", mode="eval")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def fill(template: str, texts: list[str]) -> str:
    """Return the template with its holes filled, in order."""
    filling = iter(texts)
    return HOLE.sub(lambda _: next(filling), template)


def stored_texts(template: str, text: str) -> list[str] | None:
    """Return what fills each hole of the template in `text`; None where a literal part differs."""
    literal = HOLE.split(template)[::2]
    pattern = rf"([^\n]{{1,{MAX_TOLD}}}?)".join(re.escape(part) for part in literal)
    match = re.fullmatch(pattern, text)
    return list(match.groups()) if match else None


def request(wanted: list[str]) -> dict:
    """Return the arguments of a kernel client's `execute` that evaluate fields and leave no trace."""
    call = f"(exec({TELLING!r}, space), space['tell']({wanted!r}, globals()))[1]"
    expressions = {"told": f"(lambda space: {call})({{'__name__': 'telling'}})"}
    quiet = {"silent": True, "store_history": False, "allow_stdin": False, "stop_on_error": False}
    return {"code": "", "user_expressions": expressions, **quiet}


def answers(wanted: list[str], reply: dict) -> list[Told]:
    """Return what the kernel's reply to `request(wanted)` tells.

    Raises RuntimeError where the kernel could not evaluate at all.
    """
    told = reply["content"].get("user_expressions", {}).get("told", {})
    if told.get("status") != "ok":
        raise RuntimeError(f"the kernel did not evaluate {wanted}: {told.get('evalue', reply['content'])}")
    pairs = json.loads(ast.literal_eval(told["data"]["text/plain"]))
    return [Told(field, text, error) for field, (text, error) in zip(wanted, pairs, strict=True)]


def differences(template: str, text: str, told: list[Told], compare: bool = True) -> list[str]:
    """Return, in words, where a stored text is not what its template and the kernel's answers give."""
    raised = [f"{{{{{one.field}}}}} raises {one.error}" for one in told if one.error]
    if raised or not compare:
        return raised
    if text == fill(template, [one.text for one in told]):
        return []
    stored = stored_texts(template, text)
    if stored is None:
        return ["the text differs from its source outside of the expressions"]
    pairs = zip(told, stored, strict=True)
    return [f"{{{{{a.field}}}}} is stored as {b!r}, computed {a.text!r}" for a, b in pairs if a.text != b]
