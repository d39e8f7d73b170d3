"""How the tests ask the demo gateway through the official Google SDK."""

from collections.abc import Iterator
from contextlib import contextmanager

from google import genai
from google.genai import types

from tests._servers.processes import PATIENCE_S

QUESTION = "Explain tides"


@contextmanager
def connected(gateway) -> Iterator[genai.Client]:
    options = types.HttpOptions(
        base_url=f"{gateway.base}/gemini", api_version="v1beta", timeout=int(PATIENCE_S * 1000)
    )
    client = genai.Client(api_key="demo-key", http_options=options)
    try:
        yield client
    finally:
        client.close()


def ask(google, contents=QUESTION, *, model="demo-chat", **config):
    return google.models.generate_content(
        model=model, contents=contents, config=types.GenerateContentConfig(**config)
    )


def streamed(google, contents=QUESTION, *, model="demo-chat", **config):
    return list(
        google.models.generate_content_stream(
            model=model, contents=contents, config=types.GenerateContentConfig(**config)
        )
    )


def parts_of(chunks):
    return [
        part
        for chunk in chunks
        for candidate in chunk.candidates or []
        if candidate.content
        for part in candidate.content.parts or []
    ]


def text_of(chunks):
    return "".join(part.text or "" for part in parts_of(chunks) if not part.thought)


def tools(*declarations, **calling):
    offered = [types.Tool(function_declarations=list(declarations))]
    config = {"tools": offered, "automatic_function_calling": {"disable": True}}
    return {**config, "tool_config": {"function_calling_config": calling}} if calling else config
