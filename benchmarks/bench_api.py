"""The web programs under load, with real object storage, Kubernetes API server and database, on this machine alone.

Run as `make bench-api`. Every figure is the best of several rounds, as the machine has other work; processor time
depends least on that.
"""

import os

import webhooks


def main() -> None:
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start\n")
    for what, measured, goal in webhooks.rows():
        print(f"{what:<50}{measured:>24}   goal {goal}")


if __name__ == "__main__":
    main()
