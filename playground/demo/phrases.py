"""The prose of the demo answers: several ways to say each thing, chosen by the dice."""

import re

from .dice import Dice

MARKS = (
    "*This is the built-in demo gateway, not a real model: the form is genuine, the content is not.*",
    "*You are talking to the built-in demo gateway, not a real model, so take nothing here as fact.*",
    "*A demo answer: the built-in gateway wrote it, not a real model.*",
    "*Written by the built-in demo gateway, not a real model. Add an AnyInt key in Settings for real ones.*",
)

OPENINGS = (
    "Let me take **{topic}** apart, starting with what matters most.",
    "Good question. Here is a way to think about **{topic}**.",
    "There are a few sides to **{topic}**; I will go from the general to the particular.",
    "Short answer first, details below: **{topic}** is easier once it is split into parts.",
    "Happy to help with **{topic}**. I will keep it practical.",
)

POINTS = (
    "**Start small.** A version that does one thing from end to end teaches more than a full plan.",
    "**Name the parts.** Once every piece has one name, half of the confusion is gone.",
    "**Measure first.** Guesses about what is slow or unclear are wrong more often than not.",
    "**Keep the way back open.** Choose the step that is cheapest to undo.",
    "**Ask who it is for.** The same subject looks different to a newcomer and to an expert.",
    "**Write down the limits.** What it does *not* cover is as useful as what it does.",
    "**Look at the edges.** Empty, huge and broken input is where things usually fail.",
    "**Use what exists.** Somebody has had this problem; their notes save you a week.",
    "**Check the result.** Decide beforehand how you will know that it worked.",
    "**Explain it aloud.** If one sentence is not enough, there are two ideas in it.",
)

PARAGRAPHS = (
    "The core of it is simple: something goes in, a decision is made, something comes out. Everything else, "
    "and there is quite a lot of it, exists to keep that decision *fast*, *safe* and *easy to change*.",
    "It helps to separate **what** from **how**. The first rarely changes and can be written on a card; the "
    "second changes all the time and should sit behind one clear seam.",
    "Most trouble comes from the middle, where two halves meet and each believes the other one checks. "
    "Give every check exactly one place and say so in the code.",
    "Think of a post office: letters arrive in any order, some twice, some torn. A good one still delivers "
    "each exactly once, and can tell you where a letter is while it waits.",
    "In practice three numbers are enough to follow it: how many, how long, and how often it goes wrong. "
    "If a change moves none of them, it was probably not needed.",
)

QUOTES = (
    "> Make it work, make it right, make it fast. In that order.",
    "> Simple things should be simple, complex things should be possible.\n>\n> *— a saying worth keeping*",
    "> The map is not the territory, but a bad map gets you lost all the same.",
    "> What is written without effort is in general read without pleasure.",
)

CLOSINGS = (
    "If you tell me more about your case, I can go deeper on any of these.",
    "Which part should I go into next?",
    "Try the first step today; the rest will be clearer afterwards.",
    "Ask for a table, a checklist or code if another form would help you more.",
)

STEPS = (
    "Write down the goal in one sentence",
    "List what you already have",
    "Pick the smallest useful result",
    "Try it with one real example",
    "Show it to one person and listen",
    "Remove what nobody used",
    "Automate the part you did twice",
    "Decide when you will look at it again",
    "Tell the others what changed",
)

TRAITS = ("Effort to start", "Speed", "Room to grow", "Cost", "What can go wrong", "Best for")
VERDICTS = (
    ("low", "medium"),
    ("fast enough", "very fast"),
    ("limited", "plenty"),
    ("none to begin with", "grows with use"),
    ("little, and visibly", "more, and later"),
    ("small teams", "large ones"),
)

THOUGHTS = (
    "The user wants to know about {topic}. ",
    "First, what is really being asked here? Probably not a definition but a way to get going. ",
    "I could answer with a list, but an order of steps may be more useful. ",
    "Let me check the edge cases: what if there is nothing yet, what if there is far too much? ",
    "A short example would make it concrete. I should keep it small. ",
    "I must not claim facts: I am the demo gateway and should say so plainly. ",
    "Good. Structure: one sentence up front, then the parts, then what to do next. ",
)

_SAMPLES = {
    "python": (
        "def {name}(items: list[str]) -> dict[str, int]:\n"
        '    """Count how often each item occurs, ignoring case."""\n'
        "    counts: dict[str, int] = {{}}\n"
        "    for item in items:\n"
        "        key = item.strip().lower()\n"
        "        counts[key] = counts.get(key, 0) + 1\n"
        "    return counts\n\n\n"
        'print({name}(["Tea", "coffee", "tea "]))  # {{\'tea\': 2, \'coffee\': 1}}'
    ),
    "javascript": (
        "export function {name}(items) {{\n"
        "  const counts = new Map();\n"
        "  for (const item of items) {{\n"
        "    const key = item.trim().toLowerCase();\n"
        "    counts.set(key, (counts.get(key) ?? 0) + 1);\n"
        "  }}\n"
        "  return Object.fromEntries(counts);\n"
        "}}\n\n"
        'console.log({name}(["Tea", "coffee", "tea "])); // {{ tea: 2, coffee: 1 }}'
    ),
    "sql": (
        "-- {name}: the ten busiest days of the last quarter\n"
        "SELECT date_trunc('day', created_at) AS day, count(*) AS runs\n"
        "FROM runs\n"
        "WHERE created_at >= now() - interval '3 months'\n"
        "GROUP BY day\n"
        "ORDER BY runs DESC\n"
        "LIMIT 10;"
    ),
    "bash": (
        "#!/usr/bin/env bash\n"
        "# {name}: count the lines of every file given, largest first\n"
        "set -euo pipefail\n\n"
        'for file in "$@"; do\n'
        '  printf \'%8d %s\\n\' "$(wc -l < "$file")" "$file"\n'
        "done | sort -rn"
    ),
    "html": (
        '<section id="{name}">\n'
        "  <h2>Tea &amp; coffee</h2>\n"
        "  <ul>\n"
        "    <li>Tea, twice a day</li>\n"
        "    <li>Coffee, once</li>\n"
        "  </ul>\n"
        "</section>"
    ),
    "go": (
        "func {name}(items []string) map[string]int {{\n"
        "\tcounts := make(map[string]int)\n"
        "\tfor _, item := range items {{\n"
        "\t\tcounts[strings.ToLower(strings.TrimSpace(item))]++\n"
        "\t}}\n"
        "\treturn counts\n"
        "}}"
    ),
}
_FILLING = frozenset(
    ("a", "an", "the", "that", "which", "to", "for", "in", "of", "and", "with", "function", "script")
)
_LANGUAGE_WORDS = {
    "javascript": r"javascript|typescript|\bjs\b|\bnode\b|react",
    "sql": r"\bsql\b|query|postgres|sqlite",
    "bash": r"\bbash\b|\bshell\b|command line|terminal",
    "html": r"\bhtml\b|\bcss\b|web ?page",
    "go": r"\bgolang\b|\bin go\b",
}


def code(question: str, topic: str) -> tuple[str, str]:
    """A sample in the programming language the question names: (language, source)."""
    language = next((name for name, words in _LANGUAGE_WORDS.items() if re.search(words, question)), "python")
    words = re.findall(r"[a-z]+", topic.lower())
    telling = [word for word in words if word not in _LANGUAGE_WORDS and word not in _FILLING]
    name = "_".join(telling[:3])[:30].strip("_") or "count_items"
    return language, _SAMPLES[language].format(name=name)


def prose(tokens_at_least: int, dice: Dice) -> str:
    """Numbered paragraphs without an end, for long answers and to go on with a cut one."""
    parts: list[str] = []
    length = 0
    while length < tokens_at_least * 8:
        number = len(parts) + 1
        heading = f"### {number // 6 + 1}. {dice.pick(STEPS)}\n\n" if number % 6 == 1 else ""
        parts.append(f"{heading}{number}) {dice.pick(PARAGRAPHS)}")
        length += len(parts[-1])
    return "\n\n".join(parts)
