"""Instructions that the main paths take, counted by valgrind: a regression shows on the busiest machine.

Run as `make instructions`. The recording is made up and the same everywhere; making it is counted once and taken off.
Counts vary with the compiler and the processor's features, not with load: compare two commits on one machine.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PATHS = {
    "header": "metadata from 1536 bytes",
    "window": "band of 10 s of a channel, width 2000",
    "ghostly-2": "bytes to summary, without sha256",
    "standard-1": "bytes to summary, without sha256",
}
BUILD = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "emg-core", "--example", "paths"]


def main() -> int:
    if shutil.which("valgrind") is None:
        print("instructions are counted by valgrind, which is not here: apt-get install valgrind", file=sys.stderr)
        return 1
    program = built()
    before = instructions(program, "nothing")
    counts = {path: instructions(program, path) - before for path in PATHS}
    print(f"{'path':<12}{'what':<40}{'instructions':>14}")
    for path, count in counts.items():
        print(f"{path:<12}{PATHS[path]:<40}{count:>14,}")
    print(f"{'':<12}{'standard-1 against ghostly-2':<40}{counts['standard-1'] / counts['ghostly-2']:>13.2f}x")
    return 0


def built() -> Path:
    """Compile the example and return where it is."""
    subprocess.run(BUILD, check=True)
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"], capture_output=True, check=True
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release" / "examples" / "paths"


def instructions(program: Path, path: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", str(program), path]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", told.stderr)
    if told.returncode or found is None:
        sys.exit(f"valgrind could not run the path {path}:\n{told.stderr}")
    return int(found[1])


if __name__ == "__main__":
    sys.exit(main())
