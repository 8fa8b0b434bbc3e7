"""How an S3-compatible store is reached: its address, the credentials, a client, its errors."""

from __future__ import annotations

import configparser
import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from holdfast.core.errors import HoldfastError, InputError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

PARALLEL = 8
"""Requests at once."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._/-]*")
_EXAMPLE = "s3://BUCKET/PREFIX?endpoint=https://s3.unit.example&lock=DAYS"


@dataclass(frozen=True)
class S3Address:
    """Where a store is; no secret is in it."""

    bucket: str
    prefix: str = ""
    """Empty, or with a slash at its end."""
    endpoint: str = ""
    """The server's URL; Amazon's for the region, if empty."""
    region: str = ""
    lock: int = 0
    """Days for which each object is locked (Object Lock, COMPLIANCE); 0: not locked."""

    @classmethod
    def parse(cls, text: str) -> S3Address:
        """Read an address as `holdfast init --store` takes it.

        Raises:
            InputError: it is none, or a secret is in it.
        """
        try:
            parts = urlsplit(text)
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
            options = dict(pairs)
            lock = options.pop("lock", "0")
            endpoint = options.pop("endpoint", "")
            region = options.pop("region", "")
            server = urlsplit(endpoint)
            if "@" in parts.netloc or "@" in server.netloc:
                raise InputError(
                    "a store's address must have no name or password in it",
                    "give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in the file "
                    "that HOLDFAST_S3_CREDENTIALS names",
                )
            prefix = parts.path.strip("/")
            good = (
                parts.scheme == "s3"
                and _BUCKET.fullmatch(parts.netloc)
                and _PREFIX.fullmatch(prefix)
                and ".." not in prefix
                and not options
                and len(pairs) == len({name for name, _ in pairs})
                and lock.isascii()
                and lock.isdigit()
                and int(lock) <= 36500
                and (not endpoint or (server.scheme in {"http", "https"} and server.hostname))
                and server.query == server.fragment == parts.fragment == ""
                and re.fullmatch(r"[a-z0-9-]*", region)
            )
            _ = server.port
        except ValueError:
            good = False
        if not good:
            raise InputError(f"{text[:200]!r} is no S3 address", f"write it as {_EXAMPLE}")
        return cls(
            parts.netloc, f"{prefix}/" if prefix else "", endpoint.rstrip("/"), region, int(lock)
        )

    def __str__(self) -> str:
        given = {"endpoint": self.endpoint, "region": self.region, "lock": self.lock or ""}
        query = urlencode({name: value for name, value in given.items() if value}, safe=":/")
        path = quote(self.prefix.rstrip("/"))
        return f"s3://{self.bucket}/{path}" + (f"?{query}" if query else "")

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes it another place, not the same with other wishes."""
        return self.endpoint, self.bucket, self.prefix


def connect(address: S3Address, **more: Any) -> Any:
    """Return a client: no setting but ours, no request to a cloud's metadata service.

    `more` are further settings of the library's, for links: their signature is another.

    Raises:
        InputError: there are no credentials, or the extra is not installed.
    """
    try:
        import botocore.session  # noqa: PLC0415 - an extra, and slow to import
        from botocore.config import Config  # noqa: PLC0415
    except ModuleNotFoundError:
        raise InputError(
            "an S3 store needs the extra holdfast[s3]", "pip install 'holdfast[s3]'"
        ) from None
    key, secret, token = _credentials()
    session = botocore.session.Session(profile=None)
    for name in ("config_file", "credentials_file"):
        session.set_config_variable(name, os.devnull)
    return session.create_client(
        "s3",
        endpoint_url=address.endpoint or None,
        region_name=address.region or os.environ.get("AWS_REGION") or "us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        verify=os.environ.get("AWS_CA_BUNDLE") or None,
        config=Config(
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=2 * PARALLEL,
            # Trailing checksums, the library's default, are refused by many servers. What is sent
            # is signed with its SHA-256 instead, so that a server which checks signatures checks
            # the bytes, too.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={
                "addressing_style": "path" if address.endpoint else "auto",
                "payload_signing_enabled": True,
            },
            **more,
        ),
    )


def _credentials() -> tuple[str, str, str | None]:
    named = os.environ.get("HOLDFAST_S3_CREDENTIALS")
    if named:
        return _from_file(Path(named))
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        raise InputError(
            "there are no credentials for the S3 store",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file that has them: "
            "HOLDFAST_S3_CREDENTIALS",
        )
    return key, secret, os.environ.get("AWS_SESSION_TOKEN") or None


def _from_file(path: Path) -> tuple[str, str, str | None]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise InputError(f"{path} is open to others", f"close it: chmod 600 {path}")
        parser.read_string(path.read_text("utf-8"), str(path))
        facts = parser["default"]
        return (
            facts["aws_access_key_id"],
            facts["aws_secret_access_key"],
            facts.get("aws_session_token"),
        )
    except (OSError, UnicodeDecodeError, KeyError, configparser.Error):
        raise InputError(
            f"{path} holds no S3 credentials that can be read",
            "write [default], aws_access_key_id = … and aws_secret_access_key = …",
        ) from None


def code(error: Any) -> str:
    """Return the code of a client's error: `NoSuchKey`, or the HTTP status where there is none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status(error: Any) -> int:
    """Return the HTTP status of a client's error."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def answered(where: str) -> Iterator[None]:
    """Turn what a client raises into one line.

    Raises:
        RemoteError: the store does not answer, or refuses.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above
    from botocore.exceptions import HTTPClientError as Away  # noqa: PLC0415

    try:
        yield
    except HoldfastError:
        raise
    except ClientError as error:
        advice = {
            401: "check the credentials and what they may do",
            403: "check the credentials, what they may do, and this host's clock",
            404: "make the bucket, or correct the address",
        }
        reason = code(error)
        if status(error) == 404 and reason in {"404", "NoSuchBucket"}:
            reason = "there is no such bucket"
        raise RemoteError(
            f"the store {where} refuses: {reason}",
            advice.get(status(error), "nothing that was recorded is lost; mend it and repeat"),
        ) from error
    except (Away, BotoCoreError) as error:
        raise RemoteError(
            f"the store {where} does not answer: {_reason(error)}",
            "nothing that was recorded is lost; repeat the command when it does",
        ) from error


def _reason(error: BaseException) -> str:
    return type(error).__name__.removesuffix("Error") + (
        f" ({str(error).splitlines()[0][:120]})" if str(error) else ""
    )
