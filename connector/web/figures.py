"""Prometheus figures, read from the store at each scrape: the same from every process, none to lose at a restart."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from connector import __version__
from connector.store.views import ConnectionRow
from connector.web.gates import breakers
from connector.web.services import Services


class Figures(Collector):
    def __init__(self, parts: Services) -> None:
        self._parts = parts

    def collect(self) -> Iterator[GaugeMetricFamily | InfoMetricFamily]:
        parts, now = self._parts, self._parts.now()
        counts = parts.queries.counts()
        yield InfoMetricFamily("connector", "The service", {"version": __version__, "name": parts.settings.name})
        yield _family("tickets", "Living tickets", ("tool", "state"), counts.tickets.items())
        yield _family(
            "deliveries", "Deliveries not finished, and dead ones", ("target", "state"), counts.deliveries.items()
        )
        waits = {target: (now - at).total_seconds() for target, at in counts.oldest_waiting.items()}
        yield _family("oldest_delivery_seconds", "Age of the oldest waiting delivery", ("target",), waits.items())
        yield _family("quarantined_tickets", "Tickets set aside", ("tool",), counts.quarantined.items())
        yield _family("hints", "Tickets that a webhook asked to read again", ("tool",), counts.hints.items())
        yield _family(
            "history_due_tickets", "Tickets whose history is still to be read", ("tool",), counts.history_due.items()
        )
        yield _family("clamped_events", "Events told for a time before their ticket was opened", (),
                      [((), counts.clamped)])
        ages = {key: (now - at).total_seconds() for key, at in counts.moved_at.items()}
        yield _family("cursor_age_seconds", "Time since a stream's cursor moved", ("tool", "stream"), ages.items())
        paused = [(name, float(breaker.state == "open")) for name, breaker in breakers(parts).items()]
        yield _family("tool_sending_paused", "1 while the circuit breaker keeps deliveries back", ("tool",), paused)
        yield from _connections(parts.queries.connections(now, tuple(parts.settings.tools)))


def _connections(rows: list[ConnectionRow]) -> Iterator[GaugeMetricFamily]:
    reach = [(row.tool, float(row.reachable)) for row in rows if row.reachable is not None]
    yield _family("tool_reachable", "1 when the latest exchange with the tool worked", ("tool",), reach)
    skews = [(row.tool, row.skew.total_seconds()) for row in rows if row.skew is not None]
    yield _family("tool_clock_skew_seconds", "The tool's clock minus ours", ("tool",), skews)
    rates = [(row.tool, row.error_rate) for row in rows if row.error_rate is not None]
    yield _family("tool_error_ratio", "Failed exchanges of all, last 24 hours", ("tool",), rates)


def _family(name: str, text: str, labels: tuple[str, ...], values: object) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"connector_{name}", text, labels=labels)
    for key, value in values:  # type: ignore[attr-defined]
        family.add_metric(key if isinstance(key, tuple) else (key,), float(value))
    return family


def exposition(parts: Services) -> tuple[bytes, str]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(parts))
    return generate_latest(registry), CONTENT_TYPE_LATEST
