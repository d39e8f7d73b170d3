"""Rows of the page Usage that come by the hundred: one call each, where a template looks up every cell."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from playground.templatetags.frame import duration, family_badge, tokens
from playground.usage.charts import Chart
from playground.usage.figures import Sum
from playground.usage.report import Group, Moment

register = template.Library()

SPOT = '<a href="{0}" tabindex="-1" aria-label="{1}"><title>{1}</title><path class="spot" d="{2}"></path></a>'
SWATCH = (
    '<svg class="usage-swatch" viewBox="0 0 12 12" aria-hidden="true" focusable="false">'
    '<path class="{}" d="M0 0h12v12H0z"></path></svg> '
)
NUMBER = '<td class="num">{}</td>'
MOMENT = '<tr><th scope="row"><a href="{}">{}</a></th>' + NUMBER * 10 + "</tr>"
SHARE = (
    '<td class="usage-share"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"'
    ' focusable="false"><rect class="s1" width="{}" height="8"></rect></svg></td>'
)
GROUP = '<tr><th scope="row">{}{}{}</th>' + NUMBER + SHARE + NUMBER * 5 + "<td>{}</td>" + NUMBER * 3 + "</tr>"


@register.simple_tag
def spots(chart: Chart) -> SafeString:
    """The parts of a chart that say their figure and lead to History."""
    return format_html_join("", SPOT, ((spot.href, spot.title, spot.d) for spot in chart.spots))


@register.simple_tag
def moment_rows(moments: list[Moment]) -> SafeString:
    """The charts' figures, a row for each hour, day or week that has a run."""
    return format_html_join("", MOMENT, (_moment(moment) for moment in moments if moment.sum.runs))


def _moment(moment: Moment) -> tuple[str, ...]:
    row = moment.sum
    told = (row.input, row.output, row.cache_read, row.cache_write, row.reasoning)
    return (
        moment.href,
        moment.bucket.long,
        tokens(row.runs),
        tokens(row.bad),
        *(count.words for count in told),
        row.cost_words,
        duration(row.p50),
        duration(row.p95),
    )


@register.simple_tag
def group_rows(groups: list[Group], by: str) -> SafeString:
    return format_html_join("", GROUP, (_group(group, by) for group in groups))


def _group(group: Group, by: str) -> tuple[object, ...]:
    row = group.sum
    return (
        format_html(SWATCH, group.mark) if group.mark else "",
        format_html('<a href="{}">{}</a>', group.href, group.name) if group.href else group.name,
        format_html(" {}", family_badge(group.family)) if by == "model" and group.family else "",
        tokens(row.runs),
        group.share,
        row.success,
        tokens(row.bad),
        *(_tokens(row) if row.token_runs else ("", "", "")),
        ", ".join(row.units),
        row.cost_words,
        duration(row.p50),
        duration(row.p95),
    )


def _tokens(row: Sum) -> tuple[str, str, str]:
    return row.input.words, row.output.words, row.cached_share
