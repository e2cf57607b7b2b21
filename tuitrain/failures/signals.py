"""What a signal that ended a process most often means, in a few words."""

from collections.abc import Mapping

SIGNAL_HINTS: Mapping[str, str] = {
    "SIGKILL": "as the kernel does when memory runs out",
    "SIGSEGV": "a crash in native code",
    "SIGBUS": "often a full /dev/shm",
    "SIGABRT": "an abort in native code",
}
