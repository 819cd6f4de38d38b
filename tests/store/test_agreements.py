"""Versions of agreements are kept once and come back as they were."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.store import SqlStore

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_version_is_kept_once_and_never_changed(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.keep_agreements({("acme", "1"): {"data": {"targets": {"resolution": "4h"}}}}, NOW)
        tx.keep_agreements({("acme", "1"): {"data": {}}, ("acme", "2"): {"data": {"nests": ["Zürich"]}}}, NOW)
        tx.keep_agreements({}, NOW)
    with store.read() as tx:
        assert tx.kept_agreements() == {
            ("acme", "1"): {"data": {"targets": {"resolution": "4h"}}}, ("acme", "2"): {"data": {"nests": ["Zürich"]}}}
