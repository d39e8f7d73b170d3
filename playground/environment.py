"""Readers of the environment: each gives one value of the right kind, or says in one line what is wrong."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """A raw value; secrets are never interpolated, so a leading `$` stays itself."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}") from error
    return os.environ.get(name, default).strip()


def number(name: str, default: float, *, minimum: float = 0, maximum: float = 1e9) -> float:
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        value = -1.0
    if not minimum <= value <= maximum:
        top = f" and at most {maximum:g}" if maximum < 1e9 else ""
        raise ImproperlyConfigured(f"{name} must be a number of at least {minimum:g}{top}, not {raw!r}")
    return value


def flag(name: str, default: bool) -> bool:
    raw = text(name, "yes" if default else "no").lower()
    if raw in {"1", "yes", "true", "on"}:
        return True
    if raw in {"0", "no", "false", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {raw!r}")


def choice(name: str, default: str, *allowed: str) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return value


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def rates(listed: list[str]) -> dict[str, float]:
    """`family:per second` pairs."""
    pairs = [re.fullmatch(r"(\w+):(\d+(?:\.\d+)?)", word) for word in listed]
    if not all(pair and float(pair[2]) > 0 for pair in pairs):
        raise ImproperlyConfigured("QUERY_RATES must list family:number, such as suno:1.8")
    return {pair[1]: float(pair[2]) for pair in pairs if pair}


def is_plain_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        odd = parts.username is not None or parts.query or parts.fragment or parts.port == 0
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(parts.hostname) and not odd


def database(url: str) -> dict[str, Any]:
    """Of one of the two kinds. A wrong address is not quoted: it may hold a password."""
    if url.partition("://")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// or sqlite:///")
    try:
        return dict(environ.Env.db_url_config(url))
    except (ValueError, KeyError):
        raise ImproperlyConfigured("DATABASE_URL is not a valid address") from None


def kept_files(bucket: dict[str, Any]) -> dict[str, Any]:
    """The storage of kept files: the media folder, or the `bucket` whose name is given."""
    name, endpoint, location = bucket["bucket_name"], bucket["endpoint_url"], bucket["location"]
    if not name:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    if not all(map(find_spec, ("storages", "boto3"))):
        raise ImproperlyConfigured("S3_BUCKET needs the packages of requirements/s3.txt: install them first")
    if not re.fullmatch(r"[\w.-]{3,255}", name, re.ASCII):
        raise ImproperlyConfigured(f"S3_BUCKET must be the name of a bucket, not {name!r}")
    if endpoint and not is_plain_address(endpoint):
        raise ImproperlyConfigured("S3_ENDPOINT_URL must be a plain http(s) address")
    if not re.fullmatch(r"[\w./-]*", location, re.ASCII) or ".." in location:
        raise ImproperlyConfigured(f"S3_PREFIX must be a folder such as team/files, not {location!r}")
    if bool(bucket["access_key"]) != bool(bucket["secret_key"]):
        raise ImproperlyConfigured(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: set both or none"
        )
    if bucket["addressing_style"] == "auto" and endpoint:
        # Most servers but Amazon's know no host name for each bucket.
        bucket = bucket | {"addressing_style": "path"}
    return {"BACKEND": "playground.bucket.BucketStorage", "OPTIONS": bucket}
