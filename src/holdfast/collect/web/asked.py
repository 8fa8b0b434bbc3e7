"""Which requests a page made, and which the browser made for itself.

Chromium marks each request with a traffic annotation, a name hashed to a number
(net/traffic_annotation/network_traffic_annotation.h, `recursive_hash`). The names below are of
requests that pages, their frames, workers and a person's navigation cause; every other is the
browser's own business, which a capture must be free of.
"""

from __future__ import annotations

_PAGES = (
    "navigation_url_loader", "blink_resource_loader", "favicon_loader", "websocket_stream",
    "service_worker_script_load", "service_worker_update_checker", "worker_script_load",
    "shared_worker_script_load", "worker_script_load_for_shared_worker", "early_hints_preload",
    "blink_extension_resource_loader", "web_bundle_loader", "fetch_later", "keepalive_request",
    "download_via_context_menu", "download_manager_resume", "resumed_downloads",
    "speculation_rules_prefetch", "prefetch_url_loader", "signed_exchange_cert_fetcher",
    "cors_preflight", "cross_origin_preflight", "devtools_network_resource_loader",
    "background_fetch", "manifest_update_check", "appcache_update_job", "pepper_url_loader",
)  # fmt: skip
_BROWSERS = (
    "network_time_component", "update_client", "gaia_auth_list_accounts", "safe_browsing_v4_update",
    "autofill_query", "google_url_tracker", "metrics_report_uma", "variations_service",
    "gcm_channel_status_request", "gcm_checkin", "gcm_registration", "domain_reliability_report",
    "ssl_name_mismatch_lookup", "captive_portal_service", "intranet_redirect_detector",
    "spellcheck_hunspell_dictionary", "translate_url_fetcher", "omnibox_suggest",
    "optimization_guide_model", "reporting", "dns_over_https", "safe_browsing_extended_reporting",
    "download_protection_ping", "cast_channel_send",
)  # fmt: skip


def number(name: str) -> int:
    """Return the number that Chromium logs for an annotation's name."""
    value = 0
    for byte in name.encode("ascii"):
        value = (value * 31 + byte) % 138003713
    return value


_NAMES = {number(name): name for name in (*_PAGES, *_BROWSERS)}
_ASKED = frozenset(map(number, _PAGES))


def by_a_page(annotation: int | None) -> bool:
    """Say whether a page caused a request with this annotation; yes where the log has none."""
    return annotation is None or annotation in _ASKED


def name_of(annotation: int | None) -> str | None:
    """Return an annotation's name, if it is known here."""
    return _NAMES.get(annotation) if annotation is not None else None
