"""payOS's own Python library as a peer: reads questions as JSON, answers with what it makes of
them. Runs beside a folder that holds the library, never in the project's environment."""

import json
import sys

from payos import PayOS, WebhookError  # type: ignore[import-not-found]  # only where it runs

asked = json.load(sys.stdin)
payos = PayOS(client_id="c", api_key="a", checksum_key=asked["key"])


def is_verified(webhook: dict[str, object]) -> bool:
    try:
        payos.webhooks.verify(webhook)
    except WebhookError:
        return False
    return True


sign = payos.crypto.create_signature_from_object
sign_request = payos.crypto.create_signature_of_payment_request
answer = {
    "requests": [sign_request(one, asked["key"]) for one in asked["requests"]],
    "data": [sign(one, asked["key"]) for one in asked["data"]],
    "verified": [is_verified(one) for one in asked["webhooks"]],
}
sys.stdout.write(json.dumps(answer))
