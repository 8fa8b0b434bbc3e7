"""Which names of EventData have columns of their own, and the moment of a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

VALUES, MESSAGE = 40, 500
"""Values of an event that its message shows, and the message's characters."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FIELDS: dict[str, tuple[str, ...]] = {
    "subject_user": ("SubjectUserName",),
    "subject_domain": ("SubjectDomainName",),
    "subject_sid": ("SubjectUserSid",),
    "subject_logon": ("SubjectLogonId",),
    "target_user": ("TargetUserName",),
    "target_domain": ("TargetDomainName",),
    "target_sid": ("TargetUserSid", "TargetSid"),
    "target_logon": ("TargetLogonId",),
    "logon_type": ("LogonType",),
    "workstation": ("WorkstationName",),
    "ip_address": ("IpAddress",),
    "source_ip": ("SourceIp", "SourceAddress"),
    "destination_ip": ("DestinationIp", "DestAddress"),
    "destination_port": ("DestinationPort", "DestPort"),
    "account": ("User",),
    "image": ("Image", "NewProcessName"),
    "command_line": ("CommandLine",),
    "parent_image": ("ParentImage", "ParentProcessName"),
    "parent_command_line": ("ParentCommandLine",),
    "process_name": ("ProcessName",),
    "target_file": ("TargetFilename",),
    "target_object": ("TargetObject",),
    "object_name": ("ObjectName",),
    "service_name": ("ServiceName",),
    "service_file": ("ImagePath", "ServiceFileName"),
    "task_name": ("TaskName",),
    "query_name": ("QueryName",),
    "hashes": ("Hashes",),
    "script": ("ScriptBlockText",),
}
"""Column to the names in EventData that it is taken from: the first that is there."""
NUMBERS = {"logon_type", "destination_port"}
PLACE = {
    name: (at, column in NUMBERS)
    for at, (column, names) in enumerate(FIELDS.items())
    for name in reversed(names)
}
"""Name to the place of its column, and whether that is a number."""
FIRST = {name: names[0] == name for names in FIELDS.values() for name in names}
"""Whether a name goes before the others of its column."""


@lru_cache(maxsize=4096)
def second(stamp: str) -> int | None:
    """Return the microseconds of `2020-12-11T12:28:01`; None where there is no such time."""
    try:
        moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1)
