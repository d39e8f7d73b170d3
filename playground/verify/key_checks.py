"""Checks of the key itself: where it is kept, what it can see, and both addresses."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from playground.gateway import catalog
from playground.gateway.errors import GatewayError
from playground.gateway.redaction import redact
from playground.gateway.wire import FAMILIES
from playground.verify import bench as b
from playground.verify.bench import Bench, Finding

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_PAGES = 30
REFRESH = "Refresh the list of models, choose one that is on it, and run this check again."


def key_stored(bench: Bench, family: str) -> Finding:
    """Sealed in the vault or taken from the environment, hidden in whatever is written, sent over TLS."""
    secret, key = bench.subject.secret.reveal(), bench.subject.key
    if redact(f"a line with {secret} in it") != "a line with [hidden] in it":
        return b.failed("The key would stand in logs.", "Report this as a fault of the playground.")
    if bench.subject.base_url not in settings.GATEWAY_URLS:
        said = f"The address {bench.subject.base_url} is not one this site allows (GATEWAY_URLS)."
        return b.failed(said, "Choose another gateway address for this key in Settings.")
    url = urlsplit(bench.subject.base_url)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        return b.failed("The key travels without encryption (http).", "Choose an https address for this key.")
    if key is None or key.from_env:
        return b.passed("The key comes from the server's environment, and is hidden in logs and evidence.")
    if secret.encode() in bytes(key.sealed):
        return b.failed("The key stands in the database as it is.", "Revoke this key and add a new one.")
    return b.passed("Sealed for its row in the server's vault, hidden in logs and evidence.")


def models(bench: Bench, family: str) -> Finding:
    """The list loads, and holds the ids that the other checks ask."""
    found: set[str] = set()
    asked, after = None, None
    for _ in range(MOST_PAGES):
        asked = bench.send(catalog.list_request(family, after))
        if asked.failure is not None:
            return b.of(asked, b.broken(asked.failure))
        try:
            page = catalog.decode_page(bytes(asked.body))
        except GatewayError as error:
            return b.of(asked, b.broken(error))
        known = len(found)
        found |= {model.model_id for model in page.models}
        after = page.next_after
        if after is None or len(found) == known:
            break
    assert asked is not None
    wanted = {
        bench.subject.model_for(each.key)
        for each in FAMILIES.values()
        if each.models == family and bench.subject.model_for(each.key)
    }
    if not found:
        return b.of(asked, b.failed("The gateway shows this key no model.", REFRESH))
    if missing := sorted(wanted - found):
        said = f"{len(found):,} models, but not the chosen {', '.join(missing)}."
        return b.of(asked, b.failed(said, REFRESH))
    return b.of(asked, b.passed(f"{len(found):,} models, and the chosen ones are among them."))


def hosts(bench: Bench, family: str) -> Finding:
    """Each published address of the gateway takes the key."""
    subject = bench.subject
    published = [url for url in settings.GATEWAY_URLS if url != settings.DEMO_URL]
    if subject.base_url not in published:
        return b.impossible("This key is the demo gateway's, which has one address. Use an AnyInt key.")
    if len(published) < 2:
        return b.impossible("This site knows one gateway address only: list both in GATEWAY_URLS.")
    reached = []
    for url in published:
        asked = bench.send(catalog.list_request("openai_chat"), base_url=url)
        if asked.failure is not None:
            found = b.of(asked, b.broken(asked.failure))
            found.said = f"{urlsplit(url).netloc}: {found.said}"
            return found
        reached.append(f"{urlsplit(url).netloc} in {asked.total_ms} ms")
    return b.of(asked, b.passed(f"Reached: {' and '.join(reached)}."))
