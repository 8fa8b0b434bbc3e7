"""Speed, side by side with the tools people use now: `./dev bench`.

One file a measurement, each with `measure(bench) -> Section`; the others are what they share:

    process.py   runs one command and takes its time, processor time and peak memory
    measure.py   alternates the sides, round by round
    peers.py     the tools compared with: are they here, which version, how they are called
    house.py     Holdfast's commands, each in a vault of its own
    inputs.py    the files, from seeds
    machine.py   what this machine is, which commit this is
    results.py   what is kept in results.json
    bars.py      what was promised, and whether the figures meet it
    report.py    the tables: on the terminal and in RESULTS.md
    drivers/     the programs that time the log from inside
"""
