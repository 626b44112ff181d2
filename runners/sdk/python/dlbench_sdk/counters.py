"""Instructions and cycles of this process's threads in user mode, which a machine's noise does not
touch. Like the timed loops this is one text for all Pythons, 2.7 too."""

import ctypes
import errno
import os
import platform
import struct

MYPY = False
if MYPY:  # Python 2.7 has no typing
    from typing import Any  # noqa: F401

# perf_event_open(2): the events' types and numbers, as linux/perf_event.h has them.
EVENTS = {"instructions": (0, 1), "cycles": (0, 0)}
SYSCALLS = {"x86_64": 298, "aarch64": 241}
ATTRIBUTES = 64  # bytes of struct perf_event_attr, its first version
ENABLED, RUNNING = 1, 2  # of the read format: how long an event was wanted, and counted
INHERIT, NO_KERNEL, NO_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6

REASONS = {
    errno.ENOENT: "this machine's processor shows no counters, as in most virtual machines",
    errno.ENOSYS: "this kernel has no perf_event_open",
    errno.EPERM: "perf_event_open is refused: by the container's seccomp profile, or by "
    "kernel.perf_event_paranoid above 2",
}
REASONS[errno.EOPNOTSUPP] = REASONS[errno.ENODEV] = REASONS[errno.ENOENT]
REASONS[errno.EACCES] = REASONS[errno.EPERM]


class Kernel(object):
    """The system's calls; tests have a double."""

    def threads(self):
        # type: () -> list[int]
        return [int(name) for name in os.listdir("/proc/self/task")]

    def open(self, thread, event):
        # type: (int, tuple[int, int]) -> int
        """A descriptor that counts an event of a thread, and of those that it starts later."""
        number = SYSCALLS.get(platform.machine())
        if number is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        flags = INHERIT | NO_KERNEL | NO_HYPERVISOR
        text = struct.pack(
            "<IIQQQQQ", event[0], ATTRIBUTES, event[1], 0, 0, ENABLED | RUNNING, flags
        )
        attributes = ctypes.create_string_buffer(text, ATTRIBUTES)
        syscall = ctypes.CDLL(None, use_errno=True).syscall
        descriptor = syscall(number, attributes, thread, -1, -1, 0)
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return int(descriptor)

    def read(self, descriptor):
        # type: (int) -> tuple[int, int, int]
        """The count, and for how long it was wanted and was counted."""
        return struct.unpack("<QQQ", os.read(descriptor, 24))

    def close(self, descriptor):
        # type: (int) -> None
        os.close(descriptor)


class Counters(object):
    """They count from their making until close. Without them missing says why, and nothing is
    told."""

    def __init__(self, kernel=None, events=None):
        # type: (Any, Any) -> None
        self.kernel = kernel or Kernel()
        self.missing = ""
        self.open = {}  # type: dict[str, list[int]]
        for name, event in sorted((events or EVENTS).items()):
            self.open[name] = []
            for thread in self.kernel.threads():
                try:
                    self.open[name].append(self.kernel.open(thread, event))
                except EnvironmentError as error:
                    if error.errno == errno.ESRCH:  # it ended since it was listed
                        continue
                    self.missing = REASONS.get(error.errno or 0, "perf_event_open: %s" % error)
                    self.close()
                    return

    def read(self):
        # type: () -> dict[str, list[int]]
        """By event: count, time wanted, time counted, over all threads."""
        told = {}
        for name, descriptors in self.open.items():
            values = [self.kernel.read(descriptor) for descriptor in descriptors]
            told[name] = [sum(column) for column in zip(*values)]
        return told

    def since(self, before):
        # type: (dict[str, list[int]]) -> dict[str, int]
        """What was counted since then; nothing of an event that the processor's few counters
        were taken from meanwhile."""
        now, told = self.read(), {}
        for name, values in now.items():
            count, wanted, counted = [b - a for a, b in zip(before[name], values)]
            if counted == wanted:
                told[name] = count
        return told

    def close(self):
        # type: () -> None
        for descriptors in self.open.values():
            for descriptor in descriptors:
                self.kernel.close(descriptor)
        self.open = {}
