"""`emg`: every command in one list; each command's module is imported only when it runs."""

from emg_cli.frame import Command, CommandLine

COMMANDS = {
    "run": Command(
        "emg_cli.run:run",
        "Everything on this machine: PostgreSQL, storage, receiver, signals, viewer, local Jobs.",
        "emg run --port 8080 --data emg-data",
    ),
    "probe": Command(
        "emg_cli.probe:probe",
        "Print a recording's metadata, read from its header alone, as JSON.",
        "emg probe session.c3d",
    ),
    "analyze": Command(
        "emg_cli.analyze:analyze",
        "Print summaries of recordings, as JSON or as a table: of one, or of many at once.",
        "emg analyze recordings/ --format table --out results.parquet",
    ),
    "plot": Command(
        "emg_cli.plot:plot",
        "Draw a recording's envelopes in the terminal, with contractions and faults below them.",
        "emg plot session.c3d",
    ),
    "signal": Command(
        "emg_cli.samples:signal",
        "Print samples of a channel, all or a window, at full or screen resolution.",
        "emg signal session.c3d --channel CH1 --start 10 --end 12 --width 800 --format csv",
    ),
    "verify": Command(
        "emg_cli.verify:verify",
        "Compare a recording's samples with what ezc3d reads, and say where and why they differ.",
        "emg verify session.c3d",
    ),
    "synth": Command(
        "emg_cli.synth:synth",
        "Write a realistic made-up recording whose truth is known.",
        "emg synth session.c3d --seed 7 --seconds 60 --truth truth.json",
    ),
    "migrate": Command(
        "emg_cli.migrate:migrate",
        "Bring the database to this program's schema, or show where it stands.",
        "EMG_DATABASE_URL=postgresql://emg@localhost/emg emg migrate --upgrade",
    ),
    "diff": Command(
        "emg_cli.diff:diff",
        "Compare two profiles over the recordings that are stored under both.",
        "emg diff ghostly-2 standard-1 --json",
    ),
    "erase": Command(
        "emg_cli.erase:erase",
        "Erase all that is stored of a subject, so that it does not come back, and print a receipt.",
        'emg erase --subject P001 --reason "consent withdrawn" --recordings --receipt receipt.json',
    ),
    "retain": Command(
        "emg_cli.erase:retain",
        "Erase the sessions that were received more than so many days ago.",
        "emg retain --days 3650",
    ),
    "export": Command(
        "emg_cli.export:export",
        "Write sessions, contractions or subjects' weeks as CSV or Parquet.",
        "emg export contractions --format parquet --out contractions.parquet",
    ),
    "send": Command(
        "emg_cli.send:send",
        "Post the notice a sender would post for a file, signed; uploads nothing.",
        'emg send session.c3d --to http://127.0.0.1:8080 --key P001/session.c3d --secret "$(cat emg-data/webhook-key)"',
    ),
    "try": Command(
        "emg_cli.trying:try_installation",
        "Take a made-up recording through an installation: upload, notice, analysis, summary, window.",
        "emg try --receiver http://emg-receiver --signals http://emg-signals --token-file token",
    ),
    "results": Command(
        "emg_cli.trying:results",
        "Print the summaries of sessions, as the signals API has them.",
        "emg results emg-jrf5imgbujps --signals http://emg-signals --token-file token",
    ),
    "profiles": Command(
        "emg_cli.profiles:profiles",
        "Print the analysis profiles and their options as JSON.",
        "emg profiles",
    ),
    "completion": Command(
        "emg_cli.completion:completion",
        "Print what makes a shell complete commands and options.",
        'eval "$(emg completion bash)"',
    ),
}

LINE = CommandLine(name="emg", sentence="EMG recordings: from C3D files to summaries and signals.", commands=COMMANDS)


def main() -> None:
    """Run `emg`."""
    LINE.main()
