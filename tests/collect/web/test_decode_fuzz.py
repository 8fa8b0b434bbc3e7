"""Whatever stands in a log's events, the decoder comes to its end and its sums add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collect.web.test_decode import SOCKS, http2_log, keep_alive, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.collect.web.netlog import NetLog

odd: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False),
    st.sampled_from(["", "http://[", "-1", "9" * 18, "x" * 3000, "QUE=", "\u00e9\n "]),
    st.lists(st.integers(0, 9), max_size=2), st.dictionaries(st.sampled_from("ab"), st.none()),
)  # fmt: skip
change = st.tuples(st.integers(0, 10_000), st.integers(0, 20), odd)
kinds = st.sampled_from(["replace", "drop", "double", "swap"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    h2=st.booleans(), changes=st.lists(st.tuples(kinds, change), min_size=1, max_size=4),
)  # fmt: skip
def test_odd_events_are_survived(
    tmp_path: Path, h2: bool, changes: list[tuple[str, tuple[int, int, Any]]]
) -> None:
    log: NetLog = http2_log([50, 120])[0] if h2 else keep_alive([30], tls=True, socks=SOCKS)
    for kind, (where, which, value) in changes:
        at = where % len(log.events)
        event = log.events[at]
        if kind == "replace":
            params = event.get("params") if which % 3 else event
            params = params if isinstance(params, dict) and params else event
            names = sorted(params)
            params[names[which % len(names)]] = value
        elif kind == "drop":
            del log.events[at]
        elif kind == "double":
            log.events.insert(at, dict(event))
        else:
            other = (at + which) % len(log.events)
            log.events[at], log.events[other] = log.events[other], event
    done = run(log, tmp_path)
    for exchange in done.exchanges:
        assert exchange["exact"] or exchange["loss"]
        for name in ("request", "response"):
            if exchange[name] is not None:
                done.message(exchange, name)
    for connection in done.lines("connections"):
        for way in ("sent", "received"):
            assert connection["bytes"][way]["carried"] == connection["bytes"][way]["kept"]
