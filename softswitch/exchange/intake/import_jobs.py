"""Imports that an administrator starts: the same `softswitch leads` and `never-dial` commands as at a terminal, each in
a process of its own, so that a list of millions takes neither the time nor the memory of the process that signals."""

import asyncio
import json
import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from softswitch.errors import UsageError
from softswitch.safeguards.redaction import redact
from softswitch.safeguards.site_setup import Job

log = structlog.get_logger(__name__)

MOST_KEPT = 20
LONGEST_LINE = 1 << 20
SHOWN_PROBLEMS = 100


class ImportJobs:
    """One at a time: two imports would only wait for each other's store."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._process: asyncio.subprocess.Process | None = None

    def start(
        self, command: Sequence[str], arguments: Sequence[str], file: Path, name: str, then: Callable[[], None],
        *, subject: str = "",
    ) -> Job:  # fmt: skip
        """Begin `softswitch COMMAND ... ARGUMENTS`. file, name: where it is read from, and what it is called in what
        people are told.  then: called when it is over, however that came. Raises UsageError while another one runs."""
        if self._tasks:
            raise UsageError("another import is under way: wait for it, or look at how far it is")
        job = Job(secrets.token_hex(8), " ".join(command), subject, "running")
        self._keep(job)

        async def work() -> None:
            try:
                await self._run(job.job_ref, (*command, *arguments), file, name)
            except Exception:
                # Whatever became of the process, the job must not look as if it still ran.
                log.exception("import failed")
                self._change(job.job_ref, state="failed", error="the import broke off; the switch's log says why")
            finally:
                del self._tasks[job.job_ref]
                then()

        self._tasks[job.job_ref] = asyncio.get_running_loop().create_task(work(), name="import")
        return job

    def job(self, job_ref: str) -> Job:
        """Raises KeyError for one that nobody has begun, or long ago."""
        return self._jobs[job_ref]

    def jobs(self) -> list[Job]:
        """Newest first."""
        return list(reversed(self._jobs.values()))

    async def close(self) -> None:
        """End what runs: an import that is broken off goes on where it was when the same file is imported again."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, ref: str, words: Sequence[str], file: Path, name: str) -> None:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "softswitch", *words, "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE,
        )  # fmt: skip
        assert process.stdout is not None
        async for line in process.stdout:
            told = json.loads(line)
            if "error" in told:
                self._change(ref, error=redact(str(told["error"]).replace(str(file), name)))
            elif "report" in told:
                report = told["report"]
                figures = {key: value for key, value in report.items() if type(value) is int}
                problems = tuple(map(redact, report.get("problems", ())[:SHOWN_PROBLEMS]))
                self._change(ref, figures=figures, problems=problems)
            else:
                self._change(ref, rows_done=int(told["done"]), rows=int(told["of"]))
        status = await process.wait()
        self._process = None
        if status == 0:
            self._change(ref, state="done")
        else:
            self._change(ref, state="failed", error=self._jobs[ref].error or f"the import ended with status {status}")

    def _change(self, ref: str, **values: object) -> None:
        self._jobs[ref] = replace(self._jobs[ref], **values)  # type: ignore[arg-type]

    def _keep(self, job: Job) -> None:
        self._jobs[job.job_ref] = job
        while len(self._jobs) > MOST_KEPT:
            del self._jobs[next(iter(self._jobs))]
