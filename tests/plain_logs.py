"""How tests log where they say nothing else: errors without the values of every frame, which take seconds to draw."""

from __future__ import annotations

import structlog


def log_plainly() -> None:
    """Log so from now on."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.reset_defaults()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, plain])
