"""Failures of files, packages and what is written to disk."""

from tuitrain.failures.kind import FailureKind

FILE_FAILURES: tuple[FailureKind, ...] = (
    FailureKind(
        "packages of different versions",
        (
            r"operator (?P<name>torchvision::\w+) does not exist",
            r"Couldn't load custom C\+\+ ops",
            r"numpy\.dtype size changed, may indicate binary incompatibility",
            r"A module that was compiled using NumPy 1\.x cannot be run in",
            r"RuntimeError: Numpy is not available",
            r"numpy\.core\.multiarray failed to import",
            r"undefined symbol: (?P<symbol>\w+)",
            r"version `(?P<version>(?:GLIBC|GLIBCXX|CXXABI)\w*_[\d.]+)' not found",
            r"module compiled against API version",
            r"module 'numpy' has no attribute '(?P<attribute>\w+)'",
        ),
        "Two installed packages were built for different versions of each other: torchvision for "
        "another torch, an extension for another numpy or system library.",
        (
            "Missing is {name}.",
            "Missing is {symbol}.",
            "Missing is {version}.",
            "Missing is numpy.{attribute}.",
        ),
        (
            "install them together: pip install --force-reinstall torch torchvision numpy; "
            "`tuitrain doctor` tries to import both",
            "pip check names packages that do not go together; a fresh environment is often faster "
            "than mending one",
        ),
    ),
    FailureKind(
        "package missing",
        (
            r"ModuleNotFoundError: No module named '(?P<name>[\w.]+)'",
            r"ImportError: cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
            r"(?:OSError|ImportError): (?P<library>lib[\w.+-]+\.so[.\d]*): cannot open shared "
            r"object file",
        ),
        "Python can't import what the code names: it is not installed in this environment, is "
        "spelled otherwise, or a file of yours has the name of a package.",
        ("It is {name}.", "It was looked for in {module}.", "The library is {library}."),
        (
            "install it into the environment that runs tuitrain (head of `tuitrain doctor`), or "
            "put the folder of your own module on PYTHONPATH",
            "a file of your own called like a package (random.py, torch.py) hides it",
        ),
    ),
    FailureKind(
        "disk full",
        (
            r"No space left on device(?:: '(?P<path>[^']+)')?",
            r"Disk quota exceeded(?:: '(?P<path>[^']+)')?",
            r"database or disk is full",
            r"PytorchStreamWriter failed writing file",
            r"unexpected pos \d+ vs \d+",
        ),
        "There was no room for what was to be written: the disk, or your share of it, is full; "
        "/tmp and a container's own disk are often small.",
        ("It was {path}.",),
        (
            "df -h and quota -s tell which; tuitrain rm --now removes runs that are not needed, "
            "tuitrain trash empty those removed before, checkpoint.keep = 1 keeps fewer "
            "checkpoints",
            "--runs-dir or $TUITRAIN_RUNS puts runs on a larger disk, TMPDIR temporary files; then "
            "tuitrain resume {run}",
        ),
    ),
    FailureKind(
        "too many open files",
        (
            r"Too many open files",
            r"received 0 items of ancdata",
            r"unable to open shared memory object .* in read-write mode",
        ),
        "The process has as many files open as it may: DataLoader workers that hand over many "
        "small tensors, or files that a data set never closes.",
        (),
        (
            "ulimit -n 65536 before the run; fewer data.workers",
            "torch.multiprocessing.set_sharing_strategy(\"file_system\") in code of your own; open "
            "files in a with block",
        ),
    ),
    FailureKind(
        "file missing",
        (
            r"(?:FileNotFoundError|OSError): \[Errno 2\] No such file or directory: "
            r"b?['\"](?P<path>[^'\"]+)['\"]",
            r"FileNotFoundError: (?P<said>(?!\[Errno).+)",
            r"NotADirectoryError: \[Errno 20\] Not a directory: '(?P<path>[^']+)'",
            r"IsADirectoryError: \[Errno 21\] Is a directory: '(?P<path>[^']+)'",
            r"(?:cp|mv|cat|python\d?): (?:can't open file |cannot stat )?'?(?P<path>[^':]+)'?: "
            r"(?:\[Errno 2\] )?No such file or directory",
        ),
        "A file or folder is not where it is looked for. A relative path counts from the folder "
        "that the run was started in.",
        ("It is {path}.",),
        (
            "ls that path; absolute paths hold wherever the run is resumed; files that moved: "
            "tuitrain resume {run} --set data.path=PATH",
            "on a cluster: is that disk mounted on the node?",
        ),
    ),
    FailureKind(
        "permission denied",
        (
            r"PermissionError: \[Errno (?:13|1)\] (?:Permission denied|Operation not permitted)"
            r"(?:: '(?P<path>[^']+)')?",
            r"Read-only file system(?:: '(?P<path>[^']+)')?",
            r"(?:bash|sh): (?P<path>[^:]+): Permission denied",
        ),
        "This user may not read or write there.",
        ("It is {path}.",),
        (
            "ls -ld that path and its folder; --runs-dir, --data-dir, TMPDIR and HF_HOME put what "
            "is written elsewhere",
        ),
    ),
    FailureKind(
        "can't be pickled",
        (
            r"Can't (?:pickle|get) local object '?(?P<name>[^'\s]+)'?",
            r"Can't pickle (?P<name><[^>]+>)",
            r"cannot pickle '(?P<name>[\w.]+)' object",
            r"PicklingError: (?P<said>.+)",
            r"Can't get attribute '(?P<name>\w+)' on <module",
            r"An attempt has been made to start a new process before the current process has "
            r"finished its bootstrapping phase",
        ),
        "What goes to another process or into a file must be found again by its name: lambdas, "
        "functions within functions, open files, locks and connections can't be sent.",
        ("It is {name}.",),
        (
            "move the lambda or inner function to the module's top level (functools.partial for "
            "arguments), and open files and databases in __getitem__ of each worker",
            "data.workers = 0 does without other processes; a script of your own needs "
            "if __name__ == \"__main__\":",
        ),
    ),
    FailureKind(
        "file damaged or of another kind",
        (
            r"PytorchStreamReader failed",
            r"Weights only load failed",
            r"UnpicklingError: (?P<said>.+)",
            r"invalid load key, '(?P<key>.+)'",
            r"EOFError: Ran out of input",
            r"(?:UnidentifiedImageError: cannot identify image file|OSError: image file is "
            r"truncated) ?(?P<path>\S*)",
            r"BadZipFile: File is not a zip file",
            r"Error while deserializing header",
            r"database disk image is malformed",
        ),
        "A file is cut off, damaged, or not what its name says: a download that broke off, a page "
        "of HTML or a Git LFS pointer in its place, or a checkpoint that holds code.",
        (),
        (
            "look at its size and first bytes (ls -l, head -c 200), and fetch it again",
            "a checkpoint of your own with more than weights: save model.state_dict() alone; "
            "images: data.broken = \"skip\" leaves out those that can't be read",
        ),
    ),
    FailureKind(
        "download failed",
        (
            r"(?:URLError|ConnectionError|MaxRetryError|HTTPError)\b.*",
            r"Temporary failure in name resolution",
            r"Name or service not known",
            r"SSL: CERTIFICATE_VERIFY_FAILED",
            r"HTTP Error (?P<status>\d+)",
        ),
        "The network, or what was asked for there, could not be reached: compute nodes often have "
        "no way out.",
        ("The server said {status}.",),
        (
            "fetch data and weights once on a machine with a network, into the folder that "
            "--data-dir or $TUITRAIN_DATA names",
            "behind a proxy: HTTPS_PROXY; a certificate of your own: SSL_CERT_FILE",
        ),
    ),
)  # fmt: skip
