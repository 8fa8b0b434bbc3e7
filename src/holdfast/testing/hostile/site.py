"""The site: its listeners, and the threads that serve."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from holdfast.core import registry
from holdfast.testing.hostile import certificates, http1, http2, page, situation
from holdfast.testing.hostile.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from holdfast.testing.hostile.certificates import Identity
    from holdfast.testing.hostile.situation import Answer, Ask, Handler

registry.modules("holdfast.testing.hostile.exchanges")

Role = Literal["tls", "h2", "plain"]
_PLACES: dict[str, tuple[str, ...]] = {
    "tls": ("127.0.0.1", "127.0.0.2"),
    "h2": ("127.0.0.1",),
    "plain": ("127.0.0.1",),
}
"""Addresses on which each port listens; `other.test` has one of its own."""


@dataclass
class Site:
    """The hostile site. `hosts` and `ports` are known once it serves."""

    folder: Path
    identities: dict[str, Identity]
    wire: Wire = field(default_factory=Wire)
    ports: dict[str, int] = field(default_factory=dict)
    """`tls` (HTTP/1.1), `h2` (HTTP/2 alone) and `plain` (HTTP/1.1 without TLS)."""
    _stopping: threading.Event = field(default_factory=threading.Event)
    _listeners: list[socket.socket] = field(default_factory=list)
    _sockets: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def made(cls, folder: Path) -> Site:
        """Make the site's certificates in a folder."""
        return cls(folder, certificates.make(folder))

    @property
    def hosts(self) -> dict[str, str]:
        """Host names, each with its address: what a resolver has to be told."""
        names = (*certificates.GOOD, *certificates.BAD, "plain.test")
        return {name: "127.0.0.2" if name == "other.test" else "127.0.0.1" for name in names}

    @property
    def resolver_rules(self) -> str:
        """The same, for Chromium's `--host-resolver-rules`."""
        return ",".join(f"MAP {name} {address}" for name, address in self.hosts.items())

    @property
    def named(self) -> list[str]:
        """The same, for `holdfast collect web --resolve`."""
        return [f"{name}={address}" for name, address in self.hosts.items()]

    @property
    def root_file(self) -> Path:
        """The root certificate, PEM."""
        return self.folder / "root.pem"

    @property
    def spki(self) -> str:
        """The good certificates, for Chromium's `--ignore-certificate-errors-spki-list`."""
        return ",".join(self.identities[name].spki for name in certificates.GOOD)

    @property
    def start_url(self) -> str:
        """The page that makes everything happen but what crashes or hangs the browser."""
        return self.url("/")

    def url(self, path: str, host: str = "one.test") -> str:
        """Return the URL of a path on one of the hosts."""
        scheme = "http" if host == "plain.test" else "https"
        return f"{scheme}://{host}:{self.port_of(host)}{path}"

    def port_of(self, host: str) -> int:
        """Return the port at which a host is served."""
        return self.ports[{"plain.test": "plain", "two.test": "h2"}.get(host, "tls")]

    def pages(self, kind: situation.Kind = "ordinary") -> dict[str, str]:
        """Return the URL of each situation's own page, by name."""
        return {
            one.name: self.url(f"/page/{one.name}", one.host)
            for one in situation.SITUATIONS.values()
            if one.kind == kind
        }

    @contextmanager
    def serving(self) -> Iterator[Site]:
        """Serve on free ports of the loopback until the block ends, or `stop`."""
        self._stopping.clear()
        role: Role
        for role in ("tls", "h2", "plain"):
            made = _listen(_PLACES[role])
            self.ports[role] = made[0].getsockname()[1]
            for one in made:
                self._listeners.append(one)
                self._start(self._accept, role, one)
        try:
            yield self
        finally:
            self.stop()

    def stop(self) -> None:
        """Close every connection, and wait until nothing of the site runs any more."""
        self._stopping.set()
        for one in self._listeners:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        # Those that accept come first in the list: after them, no further one begins.
        while self._threads:
            for open_one in list(self._sockets):
                # The plain socket's: TLS's own would have another thread go on in the clear.
                with suppress(OSError):
                    socket.socket.shutdown(open_one, socket.SHUT_RDWR)
            # A connection that was accepted just now is hung up the next time round.
            self._threads[0].join(0.1)
            if not self._threads[0].is_alive():
                del self._threads[0]

    def _start(self, deed: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=deed, args=arguments, name="hostile")
        self._threads.append(thread)
        thread.start()

    def _accept(self, role: Role, listener: socket.socket) -> None:
        contexts = self._contexts(role)
        while not self._stopping.is_set():
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            self._start(self._serve, role, raw, contexts)

    def _contexts(self, role: Role) -> dict[str, ssl.SSLContext]:
        if role == "plain":
            return {}
        protocols = ["h2"] if role == "h2" else ["http/1.1"]
        return {host: one.context(protocols) for host, one in self.identities.items()}

    def _serve(self, role: Role, raw: socket.socket, contexts: dict[str, ssl.SSLContext]) -> None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        scheme: Literal["http", "https"] = "https" if contexts else "http"
        try:
            peer, local = (_address(name) for name in (raw.getpeername(), raw.getsockname()))
        except OSError:
            raw.close()
            return
        connection = self.wire.connect(scheme, peer, local)
        talk = http1.Talk(raw, connection, self._stopping)
        self._sockets.add(raw)
        if contexts:
            served = self._shake_hands(raw, talk, contexts)
            if served is None:
                return
            talk.socket = raw = served
        try:
            if role == "h2":
                connection.protocol = "h2"
                http2.Session(talk, self.wire, self.ports, self._find).serve()
            else:
                http1.serve(talk, self.wire, self.ports, self._find)
        finally:
            self._sockets.discard(raw)
            raw.close()

    def _shake_hands(
        self, raw: socket.socket, talk: http1.Talk, contexts: dict[str, ssl.SSLContext]
    ) -> ssl.SSLSocket | None:
        """Return the socket inside TLS, or note why there is none."""
        connection = talk.connection

        def choose(chosen: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: object) -> None:
            connection.server_name = name
            host = name if name in contexts else certificates.GOOD[0]
            connection.certificate = self.identities[host].sha256
            chosen.context = contexts[host]

        first = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        first.load_cert_chain(self.identities[certificates.GOOD[0]].file)
        first.sni_callback = choose
        # The plain socket's descriptor is the new one's from here on, which `stop` has to know.
        made = first.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        self._sockets.discard(raw)
        self._sockets.add(made)
        try:
            made.do_handshake()
        except OSError as error:
            connection.failure = str(error)
            connection.ended = "client"
            self._sockets.discard(made)
            made.close()
            return None
        connection.tls = made.version()
        connection.cipher = (made.cipher() or ("",))[0]
        return made

    def _find(self, ask: Ask) -> Handler:
        return situation.find(ask.path) or page.find(ask) or _nothing


def _nothing(_ask: Ask, answer: Answer) -> None:
    answer.send(404, [(b"Content-Type", b"text/plain")], b"there is no such page\n")


def _listen(addresses: tuple[str, ...]) -> list[socket.socket]:
    """Listen at one free port on all of these addresses."""
    first = socket.create_server((addresses[0], 0), backlog=128)
    port = first.getsockname()[1]
    return [first, *(socket.create_server((one, port), backlog=128) for one in addresses[1:])]


def _address(name: tuple[str, int]) -> str:
    return f"{name[0]}:{name[1]}"
