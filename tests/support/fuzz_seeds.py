"""Write starting points for every fuzz target: `python -m tests.support.fuzz_seeds RECORDINGS CORPUS`.

They are cut short, as a fuzzer changes few bytes in time: what matters are headers, parameters and some frames.
"""

import sys
from pathlib import Path

SHORT, LONG = 24_576, 200_000
PROCESSORS = {84: 0, 85: 1, 86: 2}


def main(recordings: Path, corpus: Path) -> None:
    """Write a file a recording and target."""
    for path in sorted(path for path in recordings.rglob("*") if path.suffix.lower() == ".c3d"):
        for target, seed in seeds(path.read_bytes()).items():
            place = corpus / target / path.relative_to(recordings).as_posix().replace("/", "-")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(seed)


def seeds(data: bytes) -> dict[str, bytes]:
    """Cut what a target is given."""
    start = 512 * (max(data[:1] or b"\x01") - 1) if data else 0
    processor = PROCESSORS.get(data[start + 3]) if len(data) > start + 3 else None
    found = {"header": data[:SHORT], "frames": data[:SHORT], "analysis": data[:LONG]}
    return found if processor is None else found | {"parameters": bytes([processor]) + data[start + 4 : SHORT]}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
