"""`kubectl emg`: every command in one list. kubectl finds the program as `kubectl-emg` on the path."""

from emg_cli.frame import Command, CommandLine

COMMANDS = {
    "list": Command(
        "emg_cli.kubectl.listing:list_sessions",
        "List sessions, the newest first, by subject or by where they stand.",
        "kubectl emg list -n emg --subject P001 --reason Retrying",
    ),
    "show": Command(
        "emg_cli.kubectl.show:show",
        "Show all of a session: what was asked for, its conditions, attempts and result.",
        "kubectl emg show emg-jrf5imgbujps",
    ),
    "why": Command(
        "emg_cli.kubectl.why:why",
        "Say why a session stands where it does, and what to do about it.",
        "kubectl emg why emg-jrf5imgbujps",
    ),
    "logs": Command(
        "emg_cli.kubectl.logs:logs",
        "Print what the worker of an attempt said, the newest one's by default.",
        "kubectl emg logs emg-jrf5imgbujps --attempt 1",
    ),
    "rerun": Command(
        "emg_cli.kubectl.again:rerun",
        "Have sessions analysed once more, though they have a result.",
        "kubectl emg rerun emg-jrf5imgbujps",
    ),
    "replay": Command(
        "emg_cli.kubectl.again:replay",
        "Make sessions anew, as if their notices came just now: with no attempt behind them.",
        "kubectl emg replay emg-jrf5imgbujps",
    ),
    "sweep": Command(
        "emg_cli.kubectl.sweep:sweep",
        "Have the operator look through storage now for recordings that nobody announced.",
        "kubectl emg sweep -n emg",
    ),
    "top": Command(
        "emg_cli.kubectl.top:top",
        "Show the queue: how many wait and run, for how long, and how many end in an hour.",
        "kubectl emg top -A",
    ),
}

LINE = CommandLine(name="kubectl emg", sentence="EMG sessions: where they stand, and why.", commands=COMMANDS)


def main() -> None:
    """Run `kubectl emg`."""
    LINE.main()
