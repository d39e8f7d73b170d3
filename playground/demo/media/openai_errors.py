"""What the OpenAI routes for media say no with: the gateway's own shape, in this family's words."""

from playground.demo.exchange import Refused

from .studio import Refusals

CONTENT = "Your request was rejected by the safety system."

NO = Refusals(
    content=lambda: Refused(
        400, CONTENT, type="image_generation_user_error", code="content_policy_violation"
    ),
    busy=lambda: Refused(429, "Too many tasks at once", type="rate_limit_error", code="rate_limit_exceeded"),
)

FAILED = Refused(500, "Generation failed", type="server_error", code="generation_failed")
