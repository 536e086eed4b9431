# SPDX-License-Identifier: Apache-2.0
"""Commands killed at chosen moments, many at once, a full disk, and secrets: the service has every job once, all runs end well.

The commands are processes of their own, and so is the stand-in of the service: those that are killed are forked from one that
has imported everything, so that the chosen moment comes soon; the others are the installed script. Counts are not judged here:
nothing is sampled whose outcome decides a test.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from standin import TOKEN, ChildStandIn

pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
SMALL = "ibm:ibm_standin_small"
STEPWISE = ("--schedule", "stepwise")
SCRIPT = Path(sys.executable).with_name("stinespring")


class Command:
    """A command that runs."""

    def __init__(self, pid: int, out: str) -> None:
        self.pid, self.out = pid, out

    def kill(self, number: int = signal.SIGKILL) -> int:
        os.kill(self.pid, number)
        return self.wait().status

    def wait(self, seconds: float = 60.0) -> Command:
        """Wait for the end, and read what there is."""
        end, told = time.monotonic() + seconds, Path(self.out + ".status")
        while not told.exists():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                pytest.fail(f"a command runs for more than {seconds} s: {Path(self.out + '.err').read_text()}")
            time.sleep(0.01)
        self.status = int(told.read_text())
        self.stdout, self.stderr = (Path(self.out + name).read_text() for name in (".out", ".err"))
        assert "Traceback" not in self.stderr, self.stderr
        return self

    @property
    def json(self) -> dict:
        return json.loads(self.stdout)


class Fresh(Command):
    """The installed script in a new process."""

    def __init__(self, argv: list[str], env: dict[str, str], most: int | None, out: str) -> None:
        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most,) * 2)

        with open(out + ".out", "w") as told, open(out + ".err", "w") as said:
            self.process = subprocess.Popen(
                [SCRIPT, *argv], env=os.environ | env, stdin=subprocess.DEVNULL, stdout=told, stderr=said,
                preexec_fn=None if most is None else limit,
            )  # fmt: skip
        super().__init__(self.process.pid, out)

    def wait(self, seconds: float = 180.0) -> Command:
        status = self.process.wait(seconds)
        Path(self.out + ".status").write_text(str(status))
        return super().wait()


class Commands:
    """The commands of one ledger, and what the service has of it; without a process that forks them each is fresh."""

    def __init__(self, process: subprocess.Popen | None, service: ChildStandIn, folder: Path, asked: list[str]) -> None:
        self.process, self.service, self.folder, self.asked, self.numbers = process, service, folder, asked, count()
        self.env = service.env(folder / "home") | {"STINESPRING_HOME": str(folder / "ledger")}
        self.posts, self.held = len(service.submissions()), len(service.jobs())

    def start(self, *argv: object, most: int | None = None, **env: str) -> Command:
        out = str(self.folder / f"command{next(self.numbers)}")
        order = {"argv": [*map(str, argv), "--json"], "env": self.env | env, "most": most, "out": out}
        if self.process is None:
            return Fresh(**order)
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return Command(int(self.process.stdout.readline()), out)

    def run(self, *argv: object, **more: object) -> Command:
        return self.start(*argv, **more).wait()

    def submission(self, *more: str, **limits: object) -> Command:
        return self.start("submit", *self.asked, "--backend", SMALL, "--yes", *more, **limits)

    def runs(self) -> list[dict]:
        return self.run("jobs").json["jobs"]

    def stored(self) -> list[dict]:
        return self.service.jobs()[self.held :]

    def ends_well(self, jobs: int, run: str = "latest") -> None:
        """The run comes to its end, and the service has each of its jobs once, under a tag of its own."""
        resumed = self.run("resume", run)
        assert resumed.status == 0, resumed.stderr
        fetched = self.run("fetch", run, "--wait", 40)
        assert fetched.status in (0, 3), fetched.stderr  # 400 shots are too few for a PASS
        assert fetched.json["state"] == "done"
        assert sum(fetched.json["counts"].values()) == 400
        stored = self.stored()
        assert len(stored) == jobs
        assert len({tag for job in stored for tag in job["tags"] if tag.startswith("ss-")}) == jobs
        assert len(self.service.submissions()) - self.posts == jobs
        assert {job["id"] for job in stored} == {remote for one in self.runs() for remote in one["remote"]}


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    with ChildStandIn(tmp_path_factory.mktemp("service") / "state.json") as service:
        yield service


@pytest.fixture(scope="module")
def preforked():
    """The process that forks the commands: it imports the client once, which takes seconds."""
    command = [sys.executable, str(Path(__file__).with_name("preforked.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


@pytest.fixture
def fresh(serving, tmp_path, examples):
    """An empty ledger, and a service without faults; the seeds of both are fixed, so that a verdict is always the same."""
    serving.clear_faults()
    asked = [str(examples / "two_tokens.json"), "--prompt", "a b", "--steps", "2", "--shots", "400", "--seed", "3"]
    yield Commands(None, serving, tmp_path, asked)
    serving.clear_faults()


@pytest.fixture
def commands(fresh, preforked):
    """The same with commands that start at once."""
    fresh.process = preforked
    return fresh


@pytest.mark.parametrize(
    ("match", "more", "jobs", "number"),
    [
        ("GET /backends/*/status", {}, 1, signal.SIGKILL),  # the row is written, nothing is sent
        ("POST /jobs", {"after": True}, 1, signal.SIGINT),  # stored, and the answer is on its way
        ("POST /sessions", {"after": True}, 2, signal.SIGKILL),  # a session is open, and nobody knows it
    ],
)
def test_a_submission_that_is_killed_is_healed(commands, match, more, jobs, number):
    service = commands.service
    before = len(matching(service, match))
    service.fault(match, "slow", seconds=60, **more)
    command = commands.submission(*STEPWISE[: 2 * (jobs - 1)])
    reached(service, match, before)
    assert command.kill(number) == (-9 if number == signal.SIGKILL else 130)
    service.clear_faults()
    assert [run["state"] for run in commands.runs()] == ["created"]
    commands.ends_well(jobs)


@pytest.mark.parametrize(
    ("match", "more", "jobs"),
    [
        ("GET /jobs/*/results", {}, 1),  # while the result is downloaded
        ("POST /jobs", {"after": True}, 2),  # while the second step is submitted
    ],
)
def test_a_fetch_that_is_killed_is_healed(commands, match, more, jobs):
    service = commands.service
    assert commands.submission(*STEPWISE[: 2 * (jobs - 1)]).wait().status == 0
    before = len(matching(service, match))
    service.fault(match, "slow", seconds=60, **more)
    command = commands.start("fetch", "latest", "--wait", 60)
    reached(service, match, before)
    command.kill()
    service.clear_faults()
    assert [run["state"] for run in commands.runs()] == ["submitted"]
    commands.ends_well(jobs)


def test_a_job_that_the_service_stores_after_its_submitter_died_is_waited_for(commands):
    """The request was sent whole; the service stores it 2 s later, when the next command already looks it up."""
    service = commands.service
    service.fault("POST /jobs", "slow", seconds=2.0)
    before = len(service.submissions())
    command = commands.submission()
    reached(service, "POST /jobs", before)
    command.kill()
    commands.ends_well(1)


def test_many_commands_on_one_run_send_every_step_once(fresh):
    assert fresh.submission(*STEPWISE).wait().status == 0
    running = [fresh.start("fetch", "latest", "--wait", 60) for _ in range(3)]
    running += [fresh.start("resume", "latest")]
    assert running[3].wait().status == 0
    assert len({json.dumps(command.wait().json["counts"]) for command in running[:3]}) == 1
    fresh.ends_well(2)


def test_many_submissions_at_once_make_one_ledger(fresh):
    """Three runs, and twice the same with --once: four runs, as many jobs."""
    running = [fresh.submission() for _ in range(3)]
    assert {command.wait().status for command in running} == {0}
    once = [fresh.submission("--once", "--shots", "401") for _ in range(2)]
    assert len({command.wait().json["id"] for command in once}) == 1
    assert len(fresh.runs()) == len(fresh.stored()) == 4
    assert len({tag for job in fresh.stored() for tag in job["tags"] if tag.startswith("ss-")}) == 4


def test_a_full_disk_loses_nothing(fresh):
    """No file may grow: at any limit it is one message and exit 4; where the job was stored, its run is in the ledger."""
    runs, stored = 0, 0
    for most in (4096, 45_000):  # nothing can be written; the row can, and what became of it cannot
        command = fresh.submission(most=most).wait()
        assert command.status in (0, 4)
        assert command.status == 0 or "ledger" in command.stderr
        assert len(command.stderr.splitlines()) <= 12
        now = len(fresh.stored())
        assert now - stored <= 1
        assert len(fresh.runs()) - runs >= now - stored
        runs, stored = len(fresh.runs()), now
    fresh.ends_well(1)


def test_a_ledger_that_another_process_holds_is_waited_for(fresh):
    assert fresh.submission().wait().status == 0
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE'); print(1, flush=True); input()"
    holder = [sys.executable, "-c", code, str(fresh.folder / "ledger" / "ledger.sqlite")]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        assert len(fresh.runs()) == 1  # reading needs no lock
        before = len(matching(fresh.service, "GET /backends/*/properties"))
        command = fresh.submission()
        reached(fresh.service, "GET /backends/*/properties", before)  # the last that is asked before the run is written down
        time.sleep(3.0)
        process.stdin.close()
    assert command.wait().status == 0
    assert len(fresh.runs()) == len(fresh.stored()) == 2


def test_the_key_is_nowhere(fresh):
    """Not in a file, not in a message, and only the identity service ever gets it, also where that one fails."""
    for kind, more in ((None, {}), ("malformed", {}), ("cut", {}), ("status", {"status": 401})):
        if kind:
            fresh.service.fault("POST /identity/token", kind, times=0, **more)
        command = fresh.submission(STINESPRING_LOG="DEBUG").wait()
        assert command.status == (4 if kind else 0)
        fresh.service.clear_faults()
    assert fresh.run("fetch", "latest", "--wait", 40, STINESPRING_LOG="DEBUG").status in (0, 3)
    assert fresh.run("export", "latest", "-o", fresh.folder / "counts.json").status == 0
    files = [path for path in fresh.folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert fresh.service.leaks() == []
    assert {one["auth"] for one in fresh.service.log()} <= {"bearer", None}


def matching(service, match):
    method, _, path = match.partition(" ")
    first, star, last = path.partition("*")

    def fits(asked):
        return asked.startswith(first) and asked.endswith(last) if star else asked == path

    return [one for one in service.log() if one["method"] == method and fits(one["path"])]


def reached(service, match, before, seconds=60.0):
    """Wait for the next request of a kind."""
    end = time.monotonic() + seconds
    while len(matching(service, match)) <= before:
        assert time.monotonic() < end, f"{match} does not come"
        time.sleep(0.02)
