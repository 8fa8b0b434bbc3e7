"""How a workbench is served."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Settings:
    """Where browsers find it."""

    url: str
    """Under which address browsers know it: `https://unit7.example`."""
    origins: frozenset[str] = frozenset()
    """Further addresses of it."""
    apart: str = ""
    """The origin at which evidence is shown that must be live to be seen; empty: there is none."""

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return urlsplit(self.url).scheme == "https"
