"""Running the web service: granian with TLS 1.3, HTTP/1.1 and HTTP/2, several processes, a graceful stop.

The parent process holds no key and opens no database; each worker process builds its own application.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import time
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.mp import MPServer
from starlette.types import ASGIApp

from app import logs
from app.operations.processes import close_memory
from app.operations.stopping import Flag
from app.settings import PREFIX, Settings

__all__ = ["serve"]

TARGET = "app.web.asgi:create"
METRICS_FOLDER = "metrics"
# Headers beyond these are no client of ours. hyper's smallest buffer; HTTP/2 counts decoded bytes.
HEADER_BYTES = 32 << 10
HEADER_MILLISECONDS = 10_000
STREAMS_PER_CONNECTION = 100
PING_MILLISECONDS = 30_000
# Requests under way when a stop is asked for have this long, in seconds.
STOP_SECONDS = 30
REQUESTS_AT_ONCE = 256
# Python would look for cycles after every few hundred new objects, many times in one request, and through all that was
# loaded at the start.
COLLECT_AFTER = (20_000, 20, 20)

log = logs.get_logger()


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Requests under way are finished before the processes end."""
    os.environ[f"{PREFIX}DATA"] = str(settings.data)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_empty_folder(settings.data / METRICS_FOLDER))
    _server(settings).serve(target_loader=_load, wrap_loader=False)


class _Server(MPServer):
    """Granian's server with a stop of its own.

    Granian's own asks whether a process lives while another thread collects it, and can report a kill of one that had
    ended well. A process gets one signal only: after a second one its requests are never answered.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.main_loop_interrupt: Any = Flag()
        self._parent = os.getpid()

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Ask to stop. In a process that was just forked, and still has its parent's handler, it means that process."""
        if os.getpid() != self._parent:
            os._exit(0)
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _stop_workers(self) -> None:
        running: dict[Any, Any] = {worker.inner.sentinel: worker for worker in self.wrks}
        for worker in running.values():
            worker.terminate()
        end = time.monotonic() + STOP_SECONDS
        while running and (left := end - time.monotonic()) > 0:
            for sentinel in wait(list(running), left):
                del running[sentinel]
        for worker in running.values():
            log.warning("web process killed", pid=worker.inner.pid)
            worker.kill()
            worker.join()
        self.wrks.clear()
        if self.interrupt_signal:
            # One that ended by the terminal's own Ctrl-C did not fail.
            self.interrupt_children.clear()


def _load() -> ASGIApp:
    """Build the application, in a process that until then ends at once when it is told to.

    Out of the terminal's group: Ctrl-C would be the second signal.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgid(0, 0)
    # Inherited where processes are forked, but not everywhere are they.
    close_memory()
    from app.web.asgi import create  # noqa: PLC0415  the parent needs none of it

    application = create()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    return application


def _server(settings: Settings) -> _Server:
    return _Server(
        TARGET,
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.web_processes,
        loop=Loops.auto,
        http=HTTPModes.auto,
        websockets=False,
        backpressure=REQUESTS_AT_ONCE,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=HEADER_BYTES),
        http2_settings=HTTP2Settings(
            max_headers_size=HEADER_BYTES,
            max_concurrent_streams=STREAMS_PER_CONNECTION,
            keep_alive_interval=PING_MILLISECONDS,
        ),
        ssl_cert=settings.tls_certificate,
        ssl_key=settings.tls_key,
        ssl_protocol_min=SSLProtocols.tls13,
        log_dictconfig=logs.library_logging(),
        log_level=LogLevels.info,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )


def _empty_folder(folder: Path) -> Path:
    """Counts of processes that are gone would be added up again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder
