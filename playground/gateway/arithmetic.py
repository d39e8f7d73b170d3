"""Token counts spelled out: what a total is made of, in our words and in the family's own."""

from __future__ import annotations

from dataclasses import dataclass

from playground.gateway.events import Usage
from playground.gateway.wire.family import UsageWords

# How a family's words name a term that no field tells by itself. With nothing taken off, it is the field.
_REST = "the rest of "


@dataclass(frozen=True, slots=True)
class Term:
    """`label` is "" for a total that is not split; `field` is what the wire calls the count."""

    label: str
    count: int
    field: str


@dataclass(frozen=True, slots=True)
class Sum:
    """`total` is None when it was not told; else it is the sum of `terms`. `note` is a sentence or ""."""

    label: str
    total: int | None
    terms: tuple[Term, ...] = ()
    note: str = ""


def sums(usage: Usage, words: UsageWords) -> tuple[Sum, ...]:
    """Input and output. What was not told is no term; counts that contradict each other are not split."""
    cached = (
        ("read from cache", usage.cache_read_tokens, words.cache_read),
        ("written to cache", usage.cache_write_tokens, words.cache_write),
    )
    thought = (("reasoning", usage.reasoning_tokens, words.reasoning),)
    return (
        _sum("Input", usage.input_tokens, ("new", words.fresh), cached),
        _sum("Output", usage.output_tokens, ("answer", words.answer), thought),
    )


def _sum(
    label: str, total: int | None, rest: tuple[str, str], parts: tuple[tuple[str, int | None, str], ...]
) -> Sum:
    terms = tuple(Term(name, count, field) for name, count, field in parts if count is not None)
    if total is None:
        return Sum(label, None, (), _untold(terms))
    name, field = rest
    whole = Term("", total, field.removeprefix(_REST))
    taken = sum(term.count for term in terms)
    if not terms:
        return Sum(label, total, (whole,))
    if taken > total:
        told = _listed(terms)
        return Sum(label, total, (whole,), f"Not split: {told} is more than the {total} told in all.")
    return Sum(label, total, (Term(name, total - taken, field), *terms))


def _untold(terms: tuple[Term, ...]) -> str:
    return f"Told without a total: {_listed(terms)}." if terms else ""


def _listed(terms: tuple[Term, ...]) -> str:
    return " and ".join(f"{term.count} {term.label}" for term in terms)
