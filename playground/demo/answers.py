"""What the demo says: an answer that follows from the question alone, the same for every family."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from . import phrases
from .asks import Ask, Tool
from .dice import Dice
from .schema import Hints, fit
from .tongues import tongue


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; the arguments are JSON text, as they travel."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer before it is cut to tokens."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[Call, ...] = ()
    filtered: bool = False


def answer(ask: Ask, *, voice: str, voices: tuple[str, ...], reasons: bool) -> Answer:
    """Compose the answer. `voice` is the model; `voices` are all that may have begun a cut answer."""
    dice = Dice(ask.digest(voice))
    reasoning = _reasoning(ask, dice) if reasons else ""
    if ask.tools and ask.last.role != "tool" and (ask.must_call or not _is_greeting(ask)):
        return Answer(calls=_calls(ask, dice), reasoning=reasoning)
    if ask.schema is not None or ask.as_json:
        return Answer(text=_json(ask), reasoning=reasoning)
    if cut := ask.before():
        return Answer(text=_rest(*cut, voices=(voice, *voices)), reasoning=reasoning)
    return Answer(text=compose(ask, voice=voice), reasoning=reasoning)


def compose(ask: Ask, *, voice: str) -> str:
    """The text of a plain answer."""
    if told := _EXACTLY.match(ask.question):
        return told[1].strip()
    dice = Dice(ask.digest(voice))
    topic = topic_of(ask.question)
    other = tongue(ask.system[:4000], ask.question)
    if ask.last.role == "tool":
        return _told_by_tools(ask, dice)
    if other is not None:
        return other.answer.format(topic=topic)
    if re.search(
        r"\b(short|brief|briefly|concise|terse|one (short )?(line|sentence|word))\b", ask.system, re.I
    ):
        return (
            f"In short, on {topic}: start small and check the result. (Built-in demo gateway, no real model.)"
        )
    parts = [_system_line(ask.system), _seen(ask), _earlier(ask, dice), *_body(ask, topic, dice)]
    return "\n\n".join(part for part in parts if part)


# What an integration is verified with: the words that follow, and nothing else.
_EXACTLY = re.compile(r"\s*reply with exactly:([^\n]{1,200})$", re.IGNORECASE)


def topic_of(question: str) -> str:
    """The question in a few words, without signs that Markdown would read."""
    visible = "".join(sign for sign in question[:4000] if sign.isprintable() or sign in "\n\t")
    line = next((line.strip() for line in visible.splitlines() if line.strip()), "")
    line = re.sub(r"[`*_\[\]<>|#~\\{}$]+", "", line).strip()
    line = _ASKING.sub("", line, count=1).strip(" .?!:,;\"'“”")
    if len(line) > 70:
        line = line[:70].rsplit(" ", 1)[0] + "…"
    return line or "your question"


_ASKING = re.compile(
    r"^(?:(?:hi|hello|hey)[,!. ]+)?(?:please\s+)?(?:(?:can|could|would|will) you\s+)?(?:please\s+)?"
    r"(?:(?:explain|describe|tell me|show me|give me|write me|write|make|list|draw up|help me with|"
    r"what(?:'s| is| are| does)|who is|compare|summari[sz]e)\s+)?(?:about\s+)?(?:(?:a|an|the|some)\s+)?"
    r"(?:(?:short |small )?(?:check ?list|list|table|plan|steps|script|function|program)\s+"
    r"(?:for|of|about|to|that|which|with)\s+)?",
    re.IGNORECASE,
)


def _system_line(system: str) -> str:
    said = " ".join(topic_of(system).split())
    return f"> Your system prompt says: “{said}” I keep it in mind." if system.strip() else ""


def _seen(ask: Ask) -> str:
    if not ask.images:
        return ""
    count = len(ask.images)
    what = "file" if any(image.is_file for image in ask.images) else "image"
    rows = "\n".join(f"{place}. {image}" for place, image in enumerate(ask.images, 1))
    return f"I received {count} {what}{'' if count == 1 else 's'} with your message:\n\n{rows}"


def _earlier(ask: Ask, dice: Dice) -> str:
    asked = [said.text for said in ask.said if said.role == "user"]
    if len(asked) < 2 or not asked[-2].strip():
        return ""
    before = topic_of(asked[-2])
    return dice.pick(
        (
            f"This builds on what you asked before (“{before}”).",
            f"To stay with the thread: before this it was “{before}”.",
            "",
        )
    )


def _body(ask: Ask, topic: str, dice: Dice) -> list[str]:
    text = ask.question.lower()
    mark = dice.pick(phrases.MARKS)
    for pattern, write in _FORMS:
        if re.search(pattern, text[:5000]):
            return [*write(ask, topic, dice), mark]
    return [*dice.pick((_points, _walk, _essay))(ask, topic, dice), mark]


def _greeting(ask: Ask, topic: str, dice: Dice) -> list[str]:
    hello = dice.pick(("Hello!", "Hi there!", "Good to see you."))
    return [f"{hello} Ask me for a list, a table, a checklist or some code, and watch the answer stream in."]


def _code(ask: Ask, topic: str, dice: Dice) -> list[str]:
    language, source = phrases.code(ask.question.lower(), topic)
    notes = "\n".join(f"- {point}" for point in dice.some(phrases.POINTS, 3))
    opening = dice.pick((f"Here is a small example for **{topic}**:", f"A first version for **{topic}**:"))
    return [opening, f"```{language}\n{source}\n```", f"A few notes:\n\n{notes}"]


def _table(ask: Ask, topic: str, dice: Dice) -> list[str]:
    one, two = _compared(ask.question)
    rows = []
    for place in sorted(dice.some(range(len(phrases.TRAITS)), 4)):
        verdicts = dice.some(phrases.VERDICTS[place], 2)
        rows.append(f"| {phrases.TRAITS[place]} | {verdicts[0]} | {verdicts[1]} |")
    table = "\n".join([f"| | {one} | {two} |", "| --- | --- | --- |", *rows])
    opening = dice.pick((f"Side by side, **{one}** and **{two}**:", f"Here is **{one}** next to **{two}**."))
    return [opening, table, dice.pick(phrases.PARAGRAPHS)]


def _compared(question: str) -> tuple[str, str]:
    found = _COMPARED.search(question[:4000])
    if found is None:
        return "Option A", "Option B"
    one, two = (re.sub(r"\s(in|as) an? .*$", "", topic_of(part)) for part in found.groups())
    return one, two


_COMPARED = re.compile(
    r"(?:\b(?:between|compare|of|for)\b)?\s*([\w .+#-]{1,30}?)\s+"
    r"(?:vs\.?|versus|and|with|or)\s+([\w .+#-]{1,30})",
    re.IGNORECASE,
)


def _checklist(ask: Ask, topic: str, dice: Dice) -> list[str]:
    steps = dice.some(phrases.STEPS, 6)
    done = "\n".join(f"- [{'x' if place < 2 else ' '}] {step}" for place, step in enumerate(steps))
    return [f"A checklist for **{topic}**; two points are ticked so that you see both states:", done]


def _quoted(ask: Ask, topic: str, dice: Dice) -> list[str]:
    return [
        f"Something to keep in mind with **{topic}**:",
        dice.pick(phrases.QUOTES),
        dice.pick(phrases.PARAGRAPHS),
    ]


def _points(ask: Ask, topic: str, dice: Dice) -> list[str]:
    points = "\n".join(f"- {point}" for point in dice.some(phrases.POINTS, 5))
    return [dice.pick(phrases.OPENINGS).format(topic=topic), points, dice.pick(phrases.CLOSINGS)]


def _walk(ask: Ask, topic: str, dice: Dice) -> list[str]:
    steps = "\n".join(f"{place}. {step}" for place, step in enumerate(dice.some(phrases.STEPS, 5), 1))
    opening = dice.pick(phrases.OPENINGS).format(topic=topic)
    return [opening, f"### Step by step\n\n{steps}", dice.pick(phrases.QUOTES), dice.pick(phrases.CLOSINGS)]


def _essay(ask: Ask, topic: str, dice: Dice) -> list[str]:
    one, two, three = dice.some(phrases.PARAGRAPHS, 3)
    opening = dice.pick(phrases.OPENINGS).format(topic=topic)
    point = dice.pick(phrases.POINTS)
    return [opening, f"### In short\n\n{one}", f"### In practice\n\n{two}\n\n- {point}", three]


def _everything(ask: Ask, topic: str, dice: Dice) -> list[str]:
    """One of each block, for looking at the rendering."""
    return [
        f"## A little of everything: {topic}",
        "Text can be **bold**, *italic*, ~~struck~~ or `inline code`, with a [link](https://example.com/).",
        *_checklist(ask, topic, dice),
        *_table(ask, topic, dice),
        *_code(ask, topic, dice),
        dice.pick(phrases.QUOTES),
        *_walk(ask, topic, dice),
    ]


# The first pattern that is found decides the form of the answer.
_GREETING = r"^\W*(hi|hello|hey|good (morning|evening)|thanks?|thank you|hallo)\b.{0,20}$"
_FORMS = (
    (_GREETING, _greeting),
    (r"\bmarkdown\b|everything you can|\ball (kinds|sorts) of\b", _everything),
    (
        r"\b(code|function|script|program|implement|python|javascript|typescript|sql|regex|html|css|bash)\b",
        _code,
    ),
    (r"\btable\b|\bcompare|\bversus\b|\bvs\b|\bdifferences?\b", _table),
    (r"\bto-?do\b|\bcheck ?list\b|\btasks?\b|\bplan\b", _checklist),
    (r"\bquot(e|ation)\b|\bpoem\b|\bproverb\b|\bsaying\b", _quoted),
    (r"\blist\b|\bideas\b|\breasons\b|\btips\b|\bnames?\b", _points),
    (r"\bhow (do|to|can)\b|\bsteps?\b", _walk),
)


_ALL = len(phrases.THOUGHTS)
_THOUGHTS = {"none": 0, "minimal": 1, "low": 2, "high": _ALL, "xhigh": _ALL, "max": _ALL}


def _is_greeting(ask: Ask) -> bool:
    return re.search(_GREETING, ask.question[:100].lower()) is not None


def _reasoning(ask: Ask, dice: Dice) -> str:
    count = _THOUGHTS.get(ask.effort, 4)
    first, *others = phrases.THOUGHTS
    chosen = [first.format(topic=topic_of(ask.question)), *dice.some(others, max(count - 1, 0))]
    return "".join(chosen[:count])


def _calls(ask: Ask, dice: Dice) -> tuple[Call, ...]:
    """One call, or several at once where the question gives a reason and the caller allows it."""
    chosen = _wanted(ask)
    if not ask.parallel:
        chosen = chosen[:1]
    calls = []
    for turn, tool in enumerate(chosen[:4]):
        arguments = fit({"type": "object", **tool.schema}, Hints(ask.question[:4000], turn))
        calls.append(Call(f"call_{dice.number(16**16):016x}", tool.name, _dumps(arguments)))
    return tuple(calls)


# More than any provider takes; each is looked for in the question.
_MOST_WEIGHED = 200


def _wanted(ask: Ask) -> list[Tool]:
    """The tools that the question is about; a tool that is wanted for two things comes twice."""
    text = ask.question[:4000].lower()
    named = [
        tool for tool in ask.tools[:_MOST_WEIGHED] if tool.name.lower() in text or _is_about(tool.name, text)
    ]
    if not re.search(r"\b(both|each|all|two|parallel|compare)\b", text):
        return named or list(ask.tools[:1])
    if re.search(r"\btools\b", text) and len(named) < 2:
        return list(ask.tools[:2])
    return named * 2 if len(named) == 1 else named or list(ask.tools[:2]) * (3 - len(ask.tools[:2]))


def _is_about(name: str, text: str) -> bool:
    """Whether the text holds what the name is about: get_weather is about the weather."""
    words = re.findall(r"[a-z]{3,}", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    telling = [word for word in words if word not in _VERBS]
    return bool(telling) and all(re.search(rf"\b{word}", text) for word in telling)


_VERBS = frozenset(("get", "set", "find", "fetch", "list", "look", "lookup", "search", "read", "check"))


def _told_by_tools(ask: Ask, dice: Dice) -> str:
    told = []
    for said in reversed(ask.said):
        if said.role != "tool":
            break
        told.append(f"**{said.tool or 'tool'}**\n\n```json\n{_shown(said.text)}\n```")
    count = len(told)
    opening = "The tool has answered:" if count == 1 else f"All {count} tools have answered:"
    topic = topic_of(ask.question)
    return "\n\n".join([opening, *reversed(told), f"That settles **{topic}**.", dice.pick(phrases.MARKS)])


def _shown(text: str) -> str:
    """A tool's result laid out if it is JSON, shortened, and unable to close the code block."""
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    text = text if len(text) <= 600 else text[:600] + "…"
    return text.replace("```", "'''")


def _json(ask: Ask) -> str:
    if ask.schema is not None:
        return _dumps(fit(ask.schema, Hints(ask.question[:4000])))
    return _dumps(
        {
            "demo": True,
            "topic": topic_of(ask.question),
            "answer": "This is the built-in demo gateway, not a real model.",
            "points": ["start small", "check the result"],
        }
    )


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rest(cut: Ask, so_far: str, voices: tuple[str, ...]) -> str:
    """The part of an answer that is still missing. It is composed again, so it fits to the letter."""
    for voice in voices:
        whole = compose(cut, voice=voice)
        for begun in (so_far, so_far.rstrip()):
            if begun and whole.startswith(begun):
                return whole[len(begun) :] or "That was the whole answer; nothing was cut off."
    dice = Dice(cut.digest("rest"))
    joint = "" if so_far.endswith((" ", "\n")) else " "
    return (
        f"{joint}… and to go on from there: {dice.pick(phrases.PARAGRAPHS)}\n\n"
        f"{dice.pick(phrases.CLOSINGS)}\n\n{dice.pick(phrases.MARKS)}"
    )
