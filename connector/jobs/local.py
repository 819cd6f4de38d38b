"""The local runner: APScheduler in this process, each job one call of a flow.

A job that belongs to a tool runs in one process at a time (a lease in the store); deliveries and assessments are
claimed row by row and may run in many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any, Final

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from connector.domain.errors import ConnectorError, Outdated, TryLater
from connector.flows import assess, backlog, deliver, digests, files, hints, intake, retention, sweep
from connector.jobs import orphans
from connector.jobs.leases import Leases
from connector.jobs.patience import Patience
from connector.jobs.watch import Watch
from connector.ports import Capability, Deps, Tool

log = structlog.get_logger("connector.jobs")

QUICK: Final = timedelta(milliseconds=500)
AT_ONCE: Final = timedelta(milliseconds=200)
"""For what people wait for: a step of a ladder is in the tool within a second of its moment."""
MINUTE: Final = timedelta(minutes=1)
HEARTBEAT: Final = "worker"
"""Lease that shows a worker is alive (connector/web/vitals.py)."""


class Worker:
    """Starts and stops the jobs of one process."""

    def __init__(self, deps: Deps, sweep_every: Callable[[str], timedelta] | None = None) -> None:
        self.deps = deps
        self.leases = Leases(deps)
        self.patience = Patience(deps.now, Random())
        self._sweep_every = sweep_every or (lambda tool: timedelta(days=1))
        self._stopping = threading.Event()
        self.outdated = threading.Event()
        """Set when this program may not go on with the store as it now is."""
        threads = 4 + 3 * len(deps.tools)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(threads)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self.watch = Watch(self.set_back)

    def start(self) -> None:
        self._beat()
        for tool in self.deps.tools.values():
            self._of_tool(tool)
        self._every(AT_ONCE, "deliver", lambda: deliver.tick(self.deps, self._stopping.is_set))
        if self.deps.registry is not None:
            self._every(AT_ONCE, "assess", lambda: assess.tick(self.deps, self._stopping.is_set))
            self._every(timedelta(seconds=5), "digests", lambda: digests.tick(self.deps, self._stopping.is_set))
        self._every(timedelta(seconds=10), "heartbeat", self._beat)
        self._every(timedelta(seconds=10), "orphans", lambda: orphans.take_over(self.deps))
        self._every(timedelta(days=1), "files", lambda: files.clean(self.deps))
        self._every(timedelta(days=1), "retention", self._retention)
        self._scheduler.start()
        self.watch.start()
        log.info("worker_started", tools=sorted(self.deps.tools))

    def stop(self) -> None:
        """Finish what is under way and give everything back."""
        self._stopping.set()
        self.watch.end()
        self._scheduler.shutdown(wait=True)
        try:
            self.leases.end()
            with self.deps.store.begin() as tx:
                tx.release(self.deps.owner, deliver.LEASE)
                tx.end_lease(HEARTBEAT, self.deps.owner)
        except ConnectorError as error:
            log.warning("leases_left_to_expire", reason=str(error))
        log.info("worker_stopped")

    def set_back(self, by: timedelta) -> None:
        """The machine's clock was: what was planned by it before, here and in the store, comes as much earlier."""
        self.patience.forget()
        for job in self._scheduler.get_jobs():
            if job.next_run_time is not None and job.next_run_time > self.deps.now() + timedelta.resolution:
                job.modify(next_run_time=job.next_run_time - by)
        now = self.deps.now()
        with self.deps.store.begin() as tx:
            tx.hurry(now, now + by + MINUTE)

    def _of_tool(self, tool: Tool) -> None:
        name, stop = tool.name, self._stopping.is_set
        self._tool_job(name, tool.poll_every, "poll", lambda: intake.poll(self.deps, name, stop))
        self._tool_job(name, QUICK, "hints", lambda: hints.run(self.deps, name))
        self._tool_job(name, timedelta(seconds=5), "history", lambda: backlog.run(self.deps, name, stop=stop))
        self._tool_job(name, MINUTE, "quarantine", lambda: intake.quarantine(self.deps, name))
        self._tool_job(name, MINUTE, "deletions", lambda: sweep.listed(self.deps, name))
        self._tool_job(name, self._sweep_every(name), "sweep", lambda: self._sweep(tool), at_once=False)

    def _retention(self) -> None:
        """In one process at a time: two would only wait for each other."""
        if self.leases.hold("retention"):
            retention.run(self.deps, self._stopping.is_set)

    def _sweep(self, tool: Tool) -> Any:
        if Capability.IDS not in tool.vendor.capabilities():
            return None
        return sweep.run(self.deps, tool.name, self._stopping.is_set)

    def _tool_job(
        self, tool: str, every: timedelta, verb: str, call: Callable[[], Any], *, at_once: bool = True
    ) -> None:
        name = f"{verb}:{tool}"

        def run() -> None:
            if self.patience.waits(tool, verb) or not self.leases.hold(name):
                return
            try:
                call()
            except Outdated:
                raise
            except TryLater as error:
                wait = self.patience.failed(tool, verb, error.wait)
                log.warning("tool_cannot_answer", tool=tool, job=verb, reason=error.reason, wait_s=wait.total_seconds())
                self._health(tool, failed=1, reason=error.reason)
            except ConnectorError as error:
                wait = self.patience.failed(tool, verb, MINUTE)
                log.error("job_refused", tool=tool, job=verb, reason=str(error), wait_s=wait.total_seconds())
                self._health(tool, failed=1, reason=str(error))
            else:
                if self.patience.worked(tool, verb) or verb == "poll":
                    self._health(tool, worked=1)

        self._every(every, name, run, at_once=at_once)

    def _health(self, tool: str, worked: int = 0, failed: int = 0, reason: str = "") -> None:
        counted = self.patience.count(tool, worked, failed, reason)
        if counted is None:
            return
        done, lost = counted
        with self.deps.store.begin() as tx:
            skew = self.deps.tools[tool].vendor.skew()
            tx.health(tool, self.deps.now(), worked=done, failed=lost, reason=reason, skew=skew)

    def _end(self, error: Outdated) -> None:
        if not self.outdated.is_set():
            log.error("worker_ended", reason=error.reason)
        self._stopping.set()
        self.outdated.set()

    def _beat(self) -> None:
        now = self.deps.now()
        with self.deps.store.begin() as tx:
            tx.lease(HEARTBEAT, self.deps.owner, now, now + timedelta(seconds=45))

    def _every(self, every: timedelta, name: str, call: Callable[[], Any], *, at_once: bool = True) -> None:
        def run() -> None:
            if self._stopping.is_set():
                return
            with structlog.contextvars.bound_contextvars(job=name):
                try:
                    call()
                except Outdated as error:
                    self._end(error)
                except TryLater as error:
                    log.warning("job_postponed", reason=error.reason)
                except Exception:  # a job must not end because one run of it failed
                    log.exception("job_failed")

        first = {"next_run_time": self.deps.now()} if at_once else {}
        self._scheduler.add_job(run, "interval", seconds=every.total_seconds(), id=name, jitter=None, **first)
