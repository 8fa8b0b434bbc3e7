"""A process that answers browsers and programs: the only one of a server, or one of its workers.

As a worker it is `python -m holdfast.cli.answering`, started by `serving/workers.py`.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from anyio.to_thread import current_default_thread_limiter

from holdfast.api.app import Api
from holdfast.api.door import Door, Lent
from holdfast.cli.common import small_file, warn
from holdfast.core.errors import HoldfastError
from holdfast.serving import workers
from holdfast.serving.desk import Desk
from holdfast.serving.oidc import settings as oidc
from holdfast.serving.oidc.provider import Providers
from holdfast.serving.people import Links, People
from holdfast.web.apart import Apart, by_port
from holdfast.web.app import Workbench
from holdfast.web.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

THREADS = 40
"""Requests that are worked on at once, by all processes together; each may hold a connection to the
database."""
_FEWEST = 8
GRACE = 10
"""Seconds that requests under way have to end in, when the server is stopped."""


@dataclass(frozen=True)
class Answering:
    """How a vault is served: plain values, which a worker is told of."""

    root: str
    operator: str
    url: str
    """The address that browsers know."""
    own: str
    """The one that it has by itself."""
    apart: str
    """The address of the origin apart; empty: none is known."""
    port: int
    """The port of the socket apart."""
    workers: int = 1
    proxies: tuple[str, ...] = ()
    """Addresses that are believed when they say from where a request comes."""
    providers: tuple[str, ...] = ()
    """Files that name providers of OpenID Connect: each process reads them, and their secrets."""
    tls_certificate: str | None = None
    tls_key: str | None = None

    @property
    def threads(self) -> int:
        """Requests that one of the processes works on at once."""
        return max(_FEWEST, THREADS // self.workers)

    def facts(self) -> dict[str, Any]:
        """Return what a worker is told."""
        return asdict(self)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, threads: int, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._threads, self._ready = threads, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        current_default_thread_limiter().total_tokens = self._threads
        await super().startup(sockets)
        if self.started:
            self._ready()


def providers(files: Sequence[str]) -> Providers:
    """Return the providers of OpenID Connect that files name.

    Raises:
        InputError, DeniedError: one names none, or its secret is open to others.
    """
    paths = [Path(one) for one in files]
    return Providers.of(tuple(oidc.read(path, small_file(path)) for path in paths))


def server(
    facts: Answering, desk: Desk, people: People, ready: Callable[[], None]
) -> uvicorn.Server:
    """Return what answers, for `run(sockets=...)`."""
    settings = Settings(facts.url, frozenset({facts.own}), facts.apart)
    workbench = Workbench(desk, people, settings, providers(facts.providers))
    api = Api(desk, Door(Lent(desk.root), people, frozenset({facts.url, facts.own})))
    config = uvicorn.Config(
        by_port(
            workbench.application([api.mount()]), Apart(desk, settings).application(), facts.port
        ),
        log_level="warning",
        access_log=False,
        server_header=False,
        ssl_certfile=facts.tls_certificate,
        ssl_keyfile=facts.tls_key,
        proxy_headers=bool(facts.proxies),
        forwarded_allow_ips=[*facts.proxies],
        timeout_graceful_shutdown=GRACE,
    )
    return _Server(config, facts.threads, ready)


def _work(told: dict[str, Any], sockets: Sequence[socket.socket]) -> None:
    facts = Answering(**told["answering"])
    desk = Desk(Path(facts.root), warn)
    desk.start(facts.operator)
    links = Links({digest: (name, until) for digest, (name, until) in told["links"].items()})
    people = People(desk, facts.operator, links)
    answers = server(facts, desk, people, workers.say_ready)

    def end() -> None:
        answers.should_exit = True

    threading.Thread(target=workers.until_told, args=(end,), daemon=True).start()
    answers.run(sockets=[*sockets])


def main() -> int:
    """Be a worker; return its exit code."""
    # Its supervisor says when it is to end: a Ctrl-C in a terminal reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = workers.heard()
    try:
        _work(told, [socket.socket(fileno=one) for one in told["sockets"]])
    except HoldfastError as error:
        workers.say_failed(error)
        return error.exit_code
    except Exception as error:
        # The outermost edge: a line, not a traceback.
        logging.getLogger("holdfast").debug("a worker's fault", exc_info=error)
        workers.say_failed(HoldfastError(f"a fault in Holdfast: {type(error).__name__}: {error}"))
        return 70
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
