# SPDX-License-Identifier: Apache-2.0
"""What went wrong at a service, and how patiently it is asked again."""

from __future__ import annotations

from stinespring.errors import BackendError

__all__ = ["ATTEMPTS", "LONGEST", "PAUSE", "TRANSIENT", "ServiceError"]

ATTEMPTS = 5
PAUSE = 1.0  # seconds before the second attempt; doubled each time
LONGEST = 30.0  # seconds between two attempts
TRANSIENT = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 524})


class ServiceError(BackendError):
    """The service's answer was no success, or none came.

    Attributes:
        status: the HTTP status; 200 for an answer that cannot be read, None where there was none.
        method: of the request, where it is known.
    """

    def __init__(
        self, what: str, *, status: int | None = None, method: str = "", got: object = None, todo: str | None = None
    ) -> None:
        super().__init__(what, got=got, todo=todo)
        self.status, self.method = status, method

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later: too many requests, a failure of the server, or no answer at all."""
        return self.status is None or self.status in TRANSIENT
