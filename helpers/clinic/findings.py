"""What an examination gives: findings, each with its evidence, that print as a table.

A finding's words are those of its illness, in `helpers.clinic.illnesses`.
"""

from dataclasses import dataclass
from html import escape
from math import inf, isfinite, isnan

from helpers.clinic.illnesses import ILLNESSES
from helpers.numerics.tables import table

SEVERITIES = ("severe", "mild")
SHOWN = 4  # names of layers that a table shows; more are counted


@dataclass(frozen=True)
class Evidence:
    """One number that crossed its threshold: which quantity, and of which layer where it is a layer's."""

    quantity: str
    value: float
    threshold: float
    layer: str | None = None

    @property
    def rank(self) -> float:
        """A number that is lower for worse evidence of the same kind: nan first, then the farthest out."""
        if isnan(self.value):
            return -inf
        return -self.value if self.value > self.threshold else self.value

    def as_data(self) -> dict:
        """Return the evidence as plain data; a number that is not finite is None."""
        numbers = {"value": self.value, "threshold": self.threshold}
        told = {name: float(number) if isfinite(number) else None for name, number in numbers.items()}
        return {"quantity": self.quantity, **told, "layer": self.layer}

    @property
    def text(self) -> str:
        """The number beside its threshold, as "std of z, of the input's: 1.2e-05, below 0.05 (layer 3)"."""
        side = "above" if self.value > self.threshold else "below" if self.value < self.threshold else "not"
        where = f" ({self.layer})" if self.layer else ""
        return f"{self.quantity}: {self.value:.3g}, {side} {self.threshold:.3g}{where}"


def crossed(value, limits) -> float:
    """Return the threshold that a value above the milder of two (mild, severe) has crossed."""
    return limits[1] if value > limits[1] else limits[0]


@dataclass(frozen=True)
class Finding:
    """One illness: its `code`, how serious it is, the layers that have it, and the evidence, worst first.

    `severity` is "severe" or "mild"; `layers` holds names as in the Trace, none where the finding concerns
    the inputs or the whole run. `said` and `cure` are words on this network in place of the illness's own.
    """

    code: str
    severity: str
    layers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    said: str | None = None
    cure: str | None = None

    @property
    def meaning(self) -> str:
        """What is wrong, in a sentence: of this network where that was said, else with the worst evidence."""
        if self.said is not None:
            return self.said
        return ILLNESSES[self.code].meaning.format(value=self.evidence[0].value)

    @property
    def advice(self) -> str:
        """What to try, in a sentence: for this network where there is a cure for it, else for the illness."""
        return self.cure or ILLNESSES[self.code].advice

    @property
    def lesson(self) -> str:
        """The name of the notebook that tells of it."""
        return ILLNESSES[self.code].lesson

    def as_data(self) -> dict:
        """Return the finding as plain data."""
        told = {"code": self.code, "severity": self.severity, "layers": list(self.layers)}
        told |= {"meaning": self.meaning, "advice": self.advice, "lesson": self.lesson}
        return told | {"evidence": [evidence.as_data() for evidence in self.evidence]}

    def __repr__(self):
        return f"<{self.severity} {self.code}: {names_of(self.layers)}>"


def finding(code, severe, evidence=(), layers=None, *, said=None, cure=None) -> Finding:
    """Return the finding of an illness, its evidence put in order, worst first.

    The layers are those of the evidence, in the order given, unless other ones are named. `said` and `cure`
    tell of this network what is wrong and what to try; without evidence `said` is needed. Raises ValueError
    for a code that is not in `ILLNESSES`.
    """
    if code not in ILLNESSES:
        raise ValueError(f"no illness has the code {code!r}; there are {', '.join(ILLNESSES)}")
    evidence = tuple(evidence)
    if layers is None:
        layers = dict.fromkeys(one.layer for one in evidence if one.layer)
    worst_first = tuple(sorted(evidence, key=lambda one: one.rank))
    return Finding(code, "severe" if severe else "mild", tuple(layers), worst_first, said, cure)


class Findings(tuple):
    """The findings of one examination, most serious first: a tuple that prints as a table.

    `examined` says in words what was looked at, `unseen` holds a sentence for what could not be.
    """

    examined, unseen = "nothing", ()

    def __new__(cls, findings=(), examined="nothing", unseen=()):
        ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
        self = super().__new__(cls, ordered)
        self.examined, self.unseen = examined, tuple(unseen)
        return self

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes found, most serious first."""
        return tuple(finding.code for finding in self)

    def layers_of(self, code) -> tuple[str, ...]:
        """Return the names of the layers that a code was found for; none where it wasn't found."""
        return tuple(name for finding in self if finding.code == code for name in finding.layers)

    def as_data(self) -> dict:
        """Return the report as plain data, as JSON holds it; numbers that are not finite are None."""
        return {
            "examined": self.examined,
            "not_looked_at": list(self.unseen),
            "findings": [finding.as_data() for finding in self],
        }

    def __repr__(self):
        unseen = [f"Not looked at: {one}" for one in self.unseen]
        if not self:
            return "\n".join([f"No findings in {self.examined}.", *unseen])
        rows = [(f.severity, f.code, names_of(f.layers), f.lesson) for f in self]
        lines = [f"{len(self)} finding{'s' * (len(self) > 1)} in {self.examined}:", ""]
        lines += [table(("severity", "code", "layers", "lesson"), rows)]
        for finding in self:
            lines += ["", f"{finding.code}", f"  {finding.meaning}", f"  Try: {finding.advice}"]
            lines += [f"  {evidence.text}" for evidence in finding.evidence[:SHOWN]]
        return "\n".join([*lines, *([""] if unseen else []), *unseen])

    def _repr_html_(self):
        unseen = "".join(f"<p>Not looked at: {escape(one)}</p>" for one in self.unseen)
        if not self:
            return f"<p>No findings in {escape(self.examined)}.</p>{unseen}"
        heads = "".join(f"<th>{head}</th>" for head in ("severity", "code", "layers", "meaning", "try"))
        rows = "".join(_html_row(finding) for finding in self)
        caption = f"<caption>Findings in {escape(self.examined)}</caption>"
        return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{unseen}"


def names_of(layers) -> str:
    """Return names of layers in words: all of a few, else the first, the last and how many."""
    if not layers:
        return "–"
    if len(layers) <= SHOWN:
        return ", ".join(layers)
    return f"{layers[0]} … {layers[-1]} ({len(layers)} layers)"


def _html_row(finding):
    link = f'<a href="{finding.lesson}.ipynb">{finding.lesson}</a>'
    evidence = "<br>".join(escape(evidence.text) for evidence in finding.evidence[:SHOWN])
    cells = (
        escape(finding.severity),
        f"<code>{finding.code}</code>",
        escape(names_of(finding.layers)),
        f"{escape(finding.meaning)}<br><small>{evidence}</small>",
        f"{escape(finding.advice)}<br>{link}",
    )
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"
