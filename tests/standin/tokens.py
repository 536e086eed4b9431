# SPDX-License-Identifier: Apache-2.0
"""The secrets of the stand-in: an API key that is easy to search for, and the web tokens it is exchanged for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

TOKEN = "standin-secret-api-key-NEVER-SHOW-4f1c9a7e"
CRN = (
    "crn:v1:bluemix:public:quantum-computing:us-east:a/0123456789abcdef0123456789abcdef:5ca1ab1e-0000-4000-8000-57a4d1a00001::"
)
PLAN = "standin-plan"


def issue(seconds: float) -> dict[str, object]:
    """Return the answer to a good API key."""
    start = int(time.time())
    claims = {"iat": start, "exp": int(start + seconds), "iss": "standin", "sub": "tester"}
    unsigned = ".".join(encoded(json.dumps(part)) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return {
        "access_token": f"{unsigned}.{signature(unsigned)}",
        "refresh_token": "not_supported",
        "token_type": "Bearer",
        "expires_in": int(seconds),
        "expiration": int(start + seconds),
    }


def valid(token: str) -> bool:
    """Tell whether a web token was issued here and has not expired."""
    unsigned, _, signed = token.rpartition(".")
    if not hmac.compare_digest(signed, signature(unsigned)):
        return False
    claims = unsigned.partition(".")[2]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"] > time.time()


def signature(text: str) -> str:
    return encoded(hashlib.sha256(b"standin" + text.encode()).hexdigest())


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
