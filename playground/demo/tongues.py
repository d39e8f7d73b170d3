"""Short demo answers in the languages a system prompt or a question may ask for."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tongue:
    name: str
    asked_by: str
    answer: str


_TONGUES = (
    Tongue(
        "German",
        r"\bgerman\b|\bdeutsch",
        "Gern, auf Deutsch. Zu **{topic}** würde ein echtes Modell jetzt ausführlich antworten:\n\n"
        "- zuerst das Wichtigste in einem Satz,\n- dann zwei oder drei Beispiele,\n"
        "- zum Schluss ein Vorschlag für den nächsten Schritt.\n\n"
        "*Dies ist das eingebaute Demo-Gateway, kein echtes Modell.*",
    ),
    Tongue(
        "French",
        r"\bfrench\b|\bfran[cç]ais",
        "Volontiers, en français. Au sujet de **{topic}**, un vrai modèle répondrait ainsi :\n\n"
        "- l’essentiel en une phrase,\n- deux ou trois exemples,\n- une idée pour la suite.\n\n"
        "*Ceci est la passerelle de démonstration intégrée, pas un vrai modèle.*",
    ),
    Tongue(
        "Spanish",
        r"\bspanish\b|\bespañol|\bcastellano\b",
        "Con gusto, en español. Sobre **{topic}**, un modelo real respondería así:\n\n"
        "- primero lo esencial en una frase,\n- después dos o tres ejemplos,\n"
        "- al final, el siguiente paso.\n\n"
        "*Esta es la pasarela de demostración integrada, no un modelo real.*",
    ),
    Tongue(
        "Italian",
        r"\bitalian\b|\bitaliano\b",
        "Volentieri, in italiano. Su **{topic}** un vero modello risponderebbe così:\n\n"
        "- prima l’essenziale in una frase,\n- poi due o tre esempi,\n- infine il prossimo passo.\n\n"
        "*Questo è il gateway dimostrativo integrato, non un modello vero.*",
    ),
    Tongue(
        "Portuguese",
        r"\bportuguese\b|\bportuguês",
        "Com prazer, em português. Sobre **{topic}**, um modelo real responderia assim:\n\n"
        "- primeiro o essencial numa frase,\n- depois dois ou três exemplos,\n- por fim, o próximo passo.\n\n"
        "*Este é o gateway de demonstração embutido, não um modelo real.*",
    ),
    Tongue(
        "Chinese",
        r"\bchinese\b|\bmandarin\b|中文|汉语|漢語",
        "好的，用中文回答。关于**{topic}**，真正的模型会这样展开：\n\n"
        "- 先用一句话说明要点；\n- 再举两三个例子；\n- 最后建议下一步怎么做。\n\n"
        "*这是内置的演示网关，不是真正的模型。*",
    ),
    Tongue(
        "Japanese",
        r"\bjapanese\b|日本語",
        "はい、日本語でお答えします。**{topic}** について、本物のモデルなら次のように説明します。\n\n"
        "- まず要点を一文で、\n- 次に例を二つか三つ、\n- 最後に次の一歩を。\n\n"
        "*これは内蔵のデモ用ゲートウェイで、本物のモデルではありません。*",
    ),
)
_ASKED = r"\b(?:in|auf|en|use|speak|to|into|respond|reply|answer)\b[^.\n]{0,20}"


def tongue(system: str, question: str) -> Tongue | None:
    """The language asked for: any mention in the system prompt, "in German" and the like in the question."""
    for one in _TONGUES:
        if re.search(one.asked_by, system, re.IGNORECASE):
            return one
    for one in _TONGUES:
        if re.search(rf"{_ASKED}(?:{one.asked_by})", question[:2000], re.IGNORECASE):
            return one
    return None
