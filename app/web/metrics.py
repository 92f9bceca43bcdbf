"""Counts and times of requests, by route template, method and status: nothing that identifies anybody.

With several processes each writes to files in ``PROMETHEUS_MULTIPROC_DIR`` (set by ``server``), and whichever is asked
adds them up.
"""

from __future__ import annotations

import os
import time

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MULTIPROCESS", "Measure", "Metrics"]

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
LABELS = ("route", "method", "status")
# Seconds; a sealed read takes milliseconds, a sign-in up to one second.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("testimony_requests", "Requests answered", LABELS, registry=self.registry)
        self._seconds = Histogram(
            "testimony_request_seconds", "Time to answer", LABELS[:2], registry=self.registry, buckets=BUCKETS
        )

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request; ``route`` is a template, never a path."""
        known = method if method in KNOWN_METHODS else "other"
        self._requests.labels(route, known, str(status)).inc()
        self._seconds.labels(route, known).observe(seconds)

    def render(self) -> bytes:
        """Everything in the Prometheus text format, of all processes if there are several."""
        if MULTIPROCESS not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class Measure:
    """Counts each request once its answer begins."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                self._metrics.count(route, scope["method"], message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, watched)
