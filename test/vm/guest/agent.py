# The guest's PID 1: runs the jobs that the test process sends over a virtio-serial port, and reaps orphans as an init must.
#
#   to the guest    run ID TIMEOUT_MS SCRIPT_LENGTH INPUT_LENGTH\n  then the script, then its standard input
#   to the tests    ready\n  once;  rc ID STATUS LENGTH\n  then the output (stdout and stderr as one stream)
#
# STATUS is the exit status, 128 + the signal that ended the job, or the word `timeout`. Jobs run at the same time when several are sent.
import os
import selectors
import signal
import sys
import time

PORT = "/dev/virtio-ports/agent"
OUTPUT_LIMIT = 16 << 20


class Job:
    def __init__(self, identity, limit_ms, script, data):
        self.identity = identity
        self.base = f"/run/agent/{identity}"
        # Files, not pipes: a daemon that the script leaves behind keeps its output open, and the job still ends.
        for name, content in ((".sh", script), (".in", data)):
            with open(self.base + name, "wb") as file:
                file.write(content)
        files = [
            (os.POSIX_SPAWN_OPEN, 0, self.base + ".in", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, self.base + ".out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        # A session of its own, so that the limit ends the whole job and not just its shell.
        self.pid = os.posix_spawn("/bin/sh", ["sh", self.base + ".sh"], os.environ, file_actions=files, setsid=True,
                                  setsigmask=[], setsigdef=[signal.SIGPIPE])
        self.deadline = time.monotonic() + limit_ms / 1000
        self.expired = False

    def expire(self):
        self.expired = True
        end_session(self.pid)

    def reply(self, wait_status):
        status = os.waitstatus_to_exitcode(wait_status)
        status = "timeout" if self.expired else str(status if status >= 0 else 128 - status)
        with open(self.base + ".out", "rb") as file:
            output = file.read(OUTPUT_LIMIT)
        for suffix in (".sh", ".in", ".out"):
            os.unlink(self.base + suffix)
        return f"rc {self.identity} {status} {len(output)}\n".encode() + output


def end_session(session):
    """Kills every process of a session: the job's own group, and the groups its programs made for themselves."""
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.getsid(int(entry)) == session:
                os.kill(int(entry), signal.SIGKILL)
        except ProcessLookupError:
            pass


def write_all(port, data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(port, view):]
        except BlockingIOError:
            time.sleep(0.001)


def take_request(buffer):
    """Takes one whole request off the buffer: (id, limit, script, input), or None while some of it is still to come."""
    end = buffer.find(b"\n")
    if end < 0:
        return None
    word, identity, limit_ms, script_length, input_length = buffer[:end].split()
    if word != b"run":
        raise ValueError(f"unknown request {word!r}")
    start, middle = end + 1, end + 1 + int(script_length)
    stop = middle + int(input_length)
    if len(buffer) < stop:
        return None
    request = (identity.decode(), int(limit_ms), bytes(buffer[start:middle]), bytes(buffer[middle:stop]))
    del buffer[:stop]
    return request


def main():
    os.makedirs("/run/agent", mode=0o700)
    port = os.open(PORT, os.O_RDWR | os.O_NONBLOCK)
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    ready = selectors.DefaultSelector()
    ready.register(port, selectors.EVENT_READ)
    ready.register(wake, selectors.EVENT_READ)
    jobs, buffer = {}, bytearray()
    write_all(port, b"ready\n")
    while True:
        limits = [job.deadline for job in jobs.values() if not job.expired]
        for key, _ in ready.select(max(0, min(limits) - time.monotonic()) if limits else None):
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if key.fd == port:
                buffer += data
        while request := take_request(buffer):
            job = Job(*request)
            jobs[job.pid] = job
        for job in jobs.values():
            if not job.expired and time.monotonic() >= job.deadline:
                job.expire()
        while True:
            try:
                pid, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid in jobs:
                write_all(port, jobs.pop(pid).reply(wait_status))


try:
    main()
except BaseException as error:
    # The end of PID 1 is a kernel panic, which ends QEMU; the console file then says why.
    print(f"agent: {error!r}", file=sys.stderr, flush=True)
    raise
