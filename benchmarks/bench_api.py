"""The web programs under load, with real object storage, Kubernetes API server and database, on this machine alone.

Run as `make bench-api`. Every figure is the best of several rounds, as the machine has other work; processor time
depends least on that.
"""

import os
from itertools import chain

import webhooks
import windows


def main() -> None:
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start\n")
    for what, measured, goal in chain(webhooks.rows(), windows.rows()):
        print(f"{what:<50}{measured:>28}   {goal and f'goal {goal}'}", flush=True)


if __name__ == "__main__":
    main()
