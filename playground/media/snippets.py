"""A task's create request for people. What it looks like is `gateway.snippets`."""

from __future__ import annotations

from playground.gateway.errors import GatewayError
from playground.gateway.snippets import Request, code, told
from playground.media import catalogue, requests
from playground.media.models import MediaTask

__all__ = ["Request", "code", "of_task", "told"]


def of_task(task: MediaTask) -> Request:
    """Files stand as examples. Raises GatewayError where there can be no request."""
    operation = catalogue.find(task.operation)
    if operation is None:
        raise GatewayError("invalid_request", "This version of the playground does not know this route.")
    return told(operation.create(requests.trial(task, operation)))
