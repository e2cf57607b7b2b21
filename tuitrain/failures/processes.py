"""Failures of processes: killed ones, loaders, several processes that train together."""

from tuitrain.failures.kind import FailureKind

PROCESS_FAILURES: tuple[FailureKind, ...] = (
    FailureKind(
        "loader worker killed",
        (r"DataLoader worker \(pid (?P<pid>\d+)\) is killed by signal: Killed",),
        "The kernel killed a DataLoader worker: memory ran out.",
        (),
        (
            "the kernel kills when memory runs out: fewer data.workers",
            "each worker holds the data set as python objects: arrays and tensors are shared, long "
            "lists are not; dmesg | tail shows the kernel's words",
        ),
    ),
    FailureKind(
        "loader worker without shared memory",
        (
            r"DataLoader worker \(pid (?P<pid>\d+)\) is killed by signal: Bus error",
            r"insufficient shared memory \(shm\)",
            r"unable to (?:write to|mmap|allocate shared memory).*(?:/torch_|shm)",
            r"unable to open shared memory object",
        ),
        "/dev/shm, through which DataLoader workers hand over batches, is full; a container's has "
        "64 MiB unless told otherwise.",
        (),
        (
            "/dev/shm was full: fewer data.workers, or docker run --shm-size",
            "smaller batches take less of it; data.workers = 0 needs none; `tuitrain doctor` shows "
            "its size",
        ),
    ),
    FailureKind(
        "loader worker crashed",
        (
            r"DataLoader worker \(pid (?P<pid>\d+)\) is killed by signal: (?P<signal>[A-Z]\w+"
            r"(?: \w+)*)",
        ),
        "Native code in a DataLoader worker crashed: an image or audio library, or one that does "
        "not stand being forked.",
        ("The signal was {signal}.",),
        (
            "data.workers = 0 shows whether the same sample crashes the training process too",
            "cv2.setNumThreads(0), and no use of such libraries before the workers start",
        ),
    ),
    FailureKind(
        "out of host memory",
        (
            r"DefaultCPUAllocator: (?:can't|not enough) ?.*memory: you tried to allocate "
            r"(?P<asked>\d+ bytes)",
            r"Unable to allocate (?P<asked>[\d.]+ \w+) for an array with shape "
            r"\((?P<shape>[\d, ]+)\)",
            r"^(?:\S*\.)?MemoryError\b",
            r"\[Errno 12\] Cannot allocate memory",
            r"std::bad_alloc",
            r"\bout of memory .*\(cpu\)",
        ),
        "The machine's memory, or the part of it that a container or job may use, could not hold "
        "what was asked for.",
        ("It was asked for {asked}.", "The array has the shape [{shape}]."),
        (
            "data.mode = \"loader\" streams the data set; fewer data.workers; a smaller "
            "train.batch_size",
            "free -g, and a job's or container's limit, say what there is; a size that makes no "
            "sense is a wrong shape",
        ),
    ),
    FailureKind(
        "killed for lack of memory",
        (
            r"Out of memory: Killed process (?P<pid>\d+) \((?P<name>[^)]+)\)",
            r"[Oo]om-kill|oom_kill event|OOM [Kk]illed|OOMKilled",
            r"oom_reaper: reaped process",
            r"Memory cgroup out of memory",
            r"Exceeded job memory limit|exceeded memory limit",
        ),
        "The kernel killed the process because the machine, or the job's or container's share of "
        "it, had no memory left.",
        ("It killed {name} (pid {pid}).",),
        (
            "data.mode = \"loader\", fewer data.workers and smaller batches need less; M on the "
            "run screen shows how the worker's memory grew",
            "ask for more: sbatch --mem, docker run --memory; then tuitrain resume {run}",
        ),
    ),
    FailureKind(
        "time limit of the job",
        (
            r"DUE TO TIME LIMIT",
            r"DUE TO PREEMPTION",
            r"CANCELLED AT \S+",
            r"job killed: walltime .* exceeded limit",
        ),
        "The cluster ended the job: its time was up, or another job went first.",
        (),
        (
            "tuitrain resume {run} goes on from the last checkpoint; sbatch --signal=USR1@60 lets "
            "it save one shortly before",
            "a longer --time, and checkpoint.every_minutes short enough",
        ),
    ),
    FailureKind(
        "address in use",
        (
            r"EADDRINUSE",
            r"\[Errno (?:98|48)\] .*[Aa]ddress already in use",
            r"address already in use",
            r"errno: 98 - Address already in use",
        ),
        "Another process listens on this port: most often one of an earlier start that is still "
        "there.",
        (),
        (
            "take another port (MASTER_PORT, torchrun --rdzv-endpoint=localhost:0)",
            "ss -ltnp | grep PORT shows who has it; end what is left of the earlier start",
        ),
    ),
    FailureKind(
        "two ranks on one GPU",
        (r"Duplicate GPU detected : rank (?P<a>\d+) and rank (?P<b>\d+) both on CUDA device",),
        "Two processes of one training use the same GPU.",
        ("They are ranks {a} and {b}.",),
        (
            "torch.cuda.set_device(int(os.environ[\"LOCAL_RANK\"])) before anything else; as many "
            "processes as GPUs",
        ),
    ),
    FailureKind(
        "NCCL can't communicate",
        (
            r"ncclSystemError",
            r"ncclUnhandledCudaError",
            r"ncclInternalError",
            r"ncclInvalidUsage",
            r"unhandled (?:system|cuda) error,? .*NCCL version (?P<version>[\d.]+)",
            r"NCCL WARN (?P<said>.+)",
            r"NCCL error in: ",
        ),
        "The library that lets GPUs exchange gradients could not: no route between them, too "
        "little /dev/shm, or a fault of one of them.",
        ("It is NCCL {version}.", "It said: {said}."),
        (
            "run once with NCCL_DEBUG=INFO: the line with WARN before the error names the cause",
            "NCCL_SOCKET_IFNAME names the network interface; docker run --ipc=host --shm-size=8g; "
            "NCCL_P2P_DISABLE=1 or NCCL_IB_DISABLE=1 tell whether a direct way is at fault",
        ),
        is_symptom=True,
    ),
    FailureKind(
        "ranks waited for each other",
        (
            r"\[Rank (?P<rank>\d+)\] .*[Ww]atchdog caught collective operation timeout: "
            r"WorkNCCL\((?:SeqNum=(?P<number>\d+), )?OpType=(?P<operation>\w+)",
            r"[Ww]atchdog caught collective operation timeout",
            r"Timed out waiting \d+ms for (?:recv|send) operation",
            r"DistStoreError: Timed out after (?P<waited>\d+) seconds waiting for clients\. "
            r"(?P<there>\d+)/(?P<wanted>\d+) clients joined",
            r"Socket Timeout",
            r"wait timeout after \d+ms",
        ),
        "One process waited for the others until its patience ended: another one failed, hangs, "
        "or has taken more or fewer steps.",
        (
            "Rank {rank} waited in {operation}.",
            "{there} of {wanted} processes came within {waited} s.",
        ),
        (
            "look at the other ranks' logs: the one whose log ends first, or has a traceback, is "
            "at fault",
            "every rank needs as many steps as the others (a sampler that deals evenly, "
            "drop_last), and evaluation or saving by rank 0 alone must not contain a collective",
            "longer patience where rank 0 does long work: init_process_group(timeout=...)",
        ),
        is_symptom=True,
    ),
    FailureKind(
        "connection to another rank lost",
        (
            r"Connection (?:closed by|reset by) (?:remote )?peer",
            r"ncclRemoteError",
            r"Broken pipe",
            r"recvValue failed|sendBytes failed",
            r"in rebuild_storage_fd",
        ),
        "The process at the other end is gone; why, its own log says.",
        (),
        ("look at the log of that process, or of the loader worker, for what came first",),
        is_symptom=True,
    ),
    FailureKind(
        "loader worker gone",
        (r"DataLoader worker \(pid\(s\) (?P<pid>[\d, ]+)\) exited unexpectedly",),
        "A DataLoader worker ended without a word.",
        (),
        (
            "worker.log may say why; a lack of memory and a full /dev/shm end them like that",
            "data.workers = 0 shows an error that a worker could not tell",
        ),
        is_symptom=True,
    ),
    FailureKind(
        "killed",
        (
            r"killed by SIGKILL",
            r"exit ?code ?:? *-9\b",
            r"exit(?:ed with)? (?:code|status) 137\b",
            r"[Ss]ignal 9 \(SIGKILL\)|Signals\.SIGKILL: 9|received signal 9\b",
            r"^(?:.*: line \d+: +\d+ )?Killed\b",
        ),
        "The process was killed from outside, without a chance to say anything: nearly always by "
        "the kernel because memory ran out, else by a person or the cluster.",
        (),
        (
            "dmesg | grep -i -e oom -e killed (or the cluster's report: sacct -o MaxRSS,State) "
            "tells whether it was memory; then fewer data.workers, data.mode = \"loader\", smaller "
            "batches, or more memory",
            "tuitrain resume {run} goes on from the last checkpoint",
        ),
        is_symptom=True,
    ),
    FailureKind(
        "killed by a bus error",
        (r"killed by SIGBUS", r"^(?:.*)?Bus error\b", r"exit ?code ?:? *-7\b"),
        "Memory that was mapped could not be had: /dev/shm is full, or a mapped file became "
        "shorter or its disk went away.",
        (),
        (
            "df -h /dev/shm; docker run --shm-size=8g, or fewer data.workers",
            "data sets that are mapped must not be written again while a run reads them",
        ),
        is_symptom=True,
    ),
    FailureKind(
        "crash in native code",
        (
            r"killed by SIG(?P<signal>SEGV|ABRT|ILL|FPE)",
            r"Segmentation fault",
            r"Fatal Python error: (?P<said>.+)",
            r"exit ?code ?:? *-(?:11|6|4|8)\b",
            r"double free or corruption|free\(\): invalid pointer|malloc\(\): ",
            r"Illegal instruction",
            r"terminate called after throwing an instance of '(?P<said>[^']+)'",
        ),
        "A library in native code crashed: mixed versions, an extension, a library that does not "
        "stand threads or forks, or a processor without an instruction that it was built for.",
        ("The signal was SIG{signal}.", "It said: {said}."),
        (
            "PYTHONFAULTHANDLER=1 writes the line of python that it happened in to the log",
            "data.workers = 0 and train.compile = false tell whether loaders or a compiled kernel "
            "are at fault; `tuitrain doctor` tries torch alone",
        ),
        is_symptom=True,
    ),
    FailureKind(
        "another process failed first",
        (
            r"ChildFailedError",
            r"ProcessRaisedException|ProcessExitedException",
            r"Sending process \d+ closing signal SIGTERM",
            r"failed \(exitcode: ?-?\d+\) local_rank: (?P<rank>\d+)",
        ),
        "This is the launcher's report: one of the processes ended with an error that stands in "
        "its own part of the log.",
        ("It is local rank {rank}.",),
        ("read the log of that rank, above this report or in torchrun's --log-dir",),
        is_symptom=True,
    ),
)  # fmt: skip
