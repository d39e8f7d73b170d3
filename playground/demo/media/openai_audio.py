"""The audio routes: words to a humming voice, and a sound to words that say no one listened."""

from typing import Any

from playground.demo.exchange import Exchange
from playground.demo.fields import check_choice, check_numbers, check_strings, parse, wrong
from playground.demo.records import Record

from . import faults, multipart, reading
from .multipart import Upload
from .openai_errors import FAILED, NO
from .recipes import Hum
from .sound import length_of
from .studio import Studio
from .ways import Way, as_the_gateway, way

_PATH = "/openai/v1/audio"
_SPEECH_MODELS = r"demo-speech|tts.*|.*-tts.*|qwen.*tts.*|cosyvoice.*"
_HEARING_MODELS = r"demo-transcribe|whisper.*|.*-transcribe.*|paraformer.*|.*asr.*"
_FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
_TEXTS = ("json", "text", "srt", "verbose_json", "vtt")
_LONGEST = 4096
# A guess for sounds that the demo cannot measure.
_BYTES_PER_S = 16_000


class OpenAIAudio:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def ways(self) -> tuple[Way, ...]:
        return (
            way("POST", f"{_PATH}/speech", self._speak, as_the_gateway),
            way("POST", f"{_PATH}/transcriptions", self._transcribe, as_the_gateway),
            way("POST", f"{_PATH}/translations", self._translate, as_the_gateway),
        )

    async def _speak(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        body = parse(raw)
        record.note(body, messages="messages")
        model = reading.known_model(body, _SPEECH_MODELS)
        words = reading.prompt(body, field="input", longest=_LONGEST)
        if not isinstance(body.get("voice"), (str, dict)):
            raise wrong("voice", "voice is required and must be a string")
        check_choice(body, "response_format", _FORMATS)
        check_numbers(body, {"speed": (0.25, 4)})
        asked = faults.read(model, words)
        if await self._studio.strike(exchange, asked, raw, NO):
            return
        await self._studio.work(0.8, asked)
        if asked.ending == "failed":
            raise FAILED
        voice = str(body["voice"])
        data = b"" if asked.ending == "empty" else await self._studio.server.bytes_of(Hum(words, voice))
        await self._studio.answer_bytes(exchange, data, Hum.media_type, asked)

    async def _transcribe(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        await self._hear(exchange, raw, record, "transcribe")

    async def _translate(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        await self._hear(exchange, raw, record, "translate")

    async def _hear(self, exchange: Exchange, raw: bytes, record: Record, task: str) -> None:
        body = multipart.read(exchange, raw)
        record.note(body, messages="messages")
        model = reading.known_model(body, _HEARING_MODELS)
        check_strings(body, ("prompt", "language"))
        check_choice(body, "response_format", _TEXTS)
        file = body.get("file")
        if not isinstance(file, Upload) or not file.data:
            raise wrong("file", "file is required: a sound as multipart/form-data")
        asked = faults.read(model, str(body.get("prompt") or ""))
        if await self._studio.strike(exchange, asked, raw, NO):
            return
        await self._studio.work(1.2, asked)
        if asked.ending == "failed":
            raise FAILED
        await self._tell(exchange, body, _Heard(file, task), asked)

    async def _tell(
        self, exchange: Exchange, body: dict[str, Any], heard: "_Heard", asked: faults.Faults
    ) -> None:
        match body.get("response_format"):
            case "text":
                await self._studio.answer_bytes(exchange, f"{heard.text}\n".encode(), "text/plain", asked)
            case "srt":
                told = f"1\n00:00:00,000 --> {heard.end(',')}\n{heard.text}\n\n"
                await self._studio.answer_bytes(exchange, told.encode(), "text/plain", asked)
            case "vtt":
                told = f"WEBVTT\n\n00:00:00.000 --> {heard.end('.')}\n{heard.text}\n\n"
                await self._studio.answer_bytes(exchange, told.encode(), "text/vtt", asked)
            case "verbose_json":
                language = str(body.get("language") or "english")
                await self._studio.answer(exchange, heard.verbose(language), asked)
            case _:
                await self._studio.answer(exchange, {"text": heard.text}, asked)


class _Heard:
    """What is told of a sound."""

    def __init__(self, file: Upload, task: str) -> None:
        measured = length_of(file.data)
        self.seconds = measured or len(file.data) / _BYTES_PER_S
        self.task = task
        length = f"{measured:.1f} seconds" if measured else "a sound of unknown length"
        verb = "transcribed" if task == "transcribe" else "translated into English"
        self.text = (
            f"This is the built-in demo gateway, which hears nothing. It received {file.name[:80]}: "
            f"{length}, {len(file.data)} bytes. A real model would have {verb} it."
        )

    def end(self, point: str) -> str:
        whole = int(self.seconds)
        thousandth = int(self.seconds % 1 * 1000)
        return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandth:03}"

    def verbose(self, language: str) -> dict[str, Any]:
        segment = {"id": 0, "seek": 0, "start": 0.0, "end": self.seconds, "text": self.text, "tokens": []}
        segment |= {"temperature": 0.0, "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0}
        told = {"task": self.task, "language": language, "duration": self.seconds, "text": self.text}
        return {**told, "segments": [segment]}
