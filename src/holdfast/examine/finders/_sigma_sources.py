"""Which event records a Sigma log source means: explicit, and nothing is guessed.

Source: the Sigma specification's appendix "Taxonomy" and SigmaHQ's documentation of log sources.
A record is taken by its channel, and for a category by its event id as well. Where Windows' own
audit gives what Sysmon gives under other names, `NAMES` translates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

SYSMON = "Microsoft-Windows-Sysmon/Operational"
_POWERSHELL = ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational")

SERVICES: dict[str, tuple[str, ...]] = {
    "application": ("Application",),
    "applocker": (
        "Microsoft-Windows-AppLocker/MSI and Script", "Microsoft-Windows-AppLocker/EXE and DLL",
        "Microsoft-Windows-AppLocker/Packaged app-Deployment",
        "Microsoft-Windows-AppLocker/Packaged app-Execution",
    ),
    "appmodel-runtime": ("Microsoft-Windows-AppModel-Runtime/Admin",),
    "appxdeployment-server": ("Microsoft-Windows-AppXDeploymentServer/Operational",),
    "appxpackaging-om": ("Microsoft-Windows-AppxPackaging/Operational",),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational",),
    "capi2": ("Microsoft-Windows-CAPI2/Operational",),
    "certificateservicesclient-lifecycle-system": (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    ),
    "codeintegrity-operational": ("Microsoft-Windows-CodeIntegrity/Operational",),
    "diagnosis-scripted": ("Microsoft-Windows-Diagnosis-Scripted/Operational",),
    "dhcp": ("Microsoft-Windows-DHCP-Server/Operational",),
    "dns-client": ("Microsoft-Windows-DNS Client Events/Operational",),
    "dns-server": ("DNS Server",),
    "dns-server-analytic": ("Microsoft-Windows-DNS-Server/Analytical",),
    "driver-framework": ("Microsoft-Windows-DriverFrameworks-UserMode/Operational",),
    "firewall-as": ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    "hyper-v-worker": ("Microsoft-Windows-Hyper-V-Worker",),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "kernel-event-tracing": ("Microsoft-Windows-Kernel-EventTracing",),
    "kernel-shimengine": (
        "Microsoft-Windows-Kernel-ShimEngine/Operational",
        "Microsoft-Windows-Kernel-ShimEngine/Diagnostic",
    ),
    "ldap": ("Microsoft-Windows-LDAP-Client/Debug",),
    "ldap_debug": ("Microsoft-Windows-LDAP-Client/Debug",),
    "lsa-server": ("Microsoft-Windows-LSA/Operational",),
    "microsoft-servicebus-client": ("Microsoft-ServiceBus-Client",),
    "msexchange-management": ("MSExchange Management",),
    "ntfs": ("Microsoft-Windows-Ntfs/Operational",),
    "ntlm": ("Microsoft-Windows-NTLM/Operational",),
    "openssh": ("OpenSSH/Operational",),
    "powershell": _POWERSHELL,
    "powershell-classic": ("Windows PowerShell",),
    "printservice-admin": ("Microsoft-Windows-PrintService/Admin",),
    "printservice-operational": ("Microsoft-Windows-PrintService/Operational",),
    "security": ("Security",),
    "security-mitigations": (
        "Microsoft-Windows-Security-Mitigations/Kernel Mode",
        "Microsoft-Windows-Security-Mitigations/User Mode",
    ),
    "shell-core": ("Microsoft-Windows-Shell-Core/Operational",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbclient-security": ("Microsoft-Windows-SmbClient/Security",),
    "smbserver-connectivity": ("Microsoft-Windows-SMBServer/Connectivity",),
    "sysmon": (SYSMON,),
    "system": ("System",),
    "taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational",),
    "terminalservices-localsessionmanager": (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    ),
    "vhdmp": ("Microsoft-Windows-VHDMP/Operational",),
    "windefend": ("Microsoft-Windows-Windows Defender/Operational",),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational",),
}  # fmt: skip
"""Service to the channels it means."""

_AUDIT: dict[str, Json] = {"Image": "NewProcessName", "ParentImage": "ParentProcessName"}

CATEGORIES: dict[str, tuple[tuple[tuple[str, ...], tuple[int, ...], dict[str, Json]], ...]] = {
    "clipboard_change": (((SYSMON,), (24,), {}),),
    "create_remote_thread": (((SYSMON,), (8,), {}),),
    "create_stream_hash": (((SYSMON,), (15,), {}),),
    "dns_query": (((SYSMON,), (22,), {}),),
    "driver_load": (((SYSMON,), (6,), {}),),
    "file_block": (((SYSMON,), (27,), {}),),
    "file_change": (((SYSMON,), (2,), {}),),
    "file_delete": (((SYSMON,), (23, 26), {}),),
    "file_event": (((SYSMON,), (11,), {}),),
    "file_executable_detected": (((SYSMON,), (29,), {}),),
    "image_load": (((SYSMON,), (7,), {}),),
    "network_connection": (((SYSMON,), (3,), {}),),
    "pipe_created": (((SYSMON,), (17, 18), {}),),
    "process_access": (((SYSMON,), (10,), {}),),
    "process_creation": (((SYSMON,), (1,), {}), (("Security",), (4688,), _AUDIT)),
    "process_tampering": (((SYSMON,), (25,), {}),),
    "process_termination": (((SYSMON,), (5,), {}),),
    "ps_classic_provider_start": ((("Windows PowerShell",), (600,), {}),),
    "ps_classic_start": ((("Windows PowerShell",), (400,), {}),),
    "ps_module": ((_POWERSHELL, (4103,), {}),),
    "ps_script": ((_POWERSHELL, (4104,), {}),),
    "raw_access_thread": (((SYSMON,), (9,), {}),),
    "registry_add": (((SYSMON,), (12,), {}),),
    "registry_delete": (((SYSMON,), (12,), {}),),
    "registry_event": (((SYSMON,), (12, 13, 14), {}),),
    "registry_rename": (((SYSMON,), (14,), {}),),
    "registry_set": (((SYSMON,), (13,), {}),),
    "sysmon_error": (((SYSMON,), (255,), {}),),
    "sysmon_status": (((SYSMON,), (4, 16), {}),),
    "wmi_event": (((SYSMON,), (19, 20, 21), {}),),
}
"""Category to channels, event ids, and the names under which they hold the rule's fields."""


def selector(product: str | None, category: str | None, service: str | None) -> list[Json] | None:
    """Return which records a log source means: (channels, event ids, other names) each.

    None where it means none that are known here. A category and a service must both fit.
    """
    if product != "windows":
        return None
    if category is None and service is None:
        return [[[], [], {}]]  # every event record
    channels = None if service is None else SERVICES.get(service)
    if category is None:
        return None if channels is None else [[list(channels), [], {}]]
    found: list[Json] = []
    for names, ids, other in CATEGORIES.get(category, ()):
        kept = [one for one in names if channels is None or one in channels]
        if kept and (service is None or channels is not None):
            found.append([list(kept), list(ids), dict(other)])
    return found or None
