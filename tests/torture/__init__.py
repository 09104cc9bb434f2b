"""What is done to the package to see whether it holds: `make torture`, or `python -m torture` in the tests' folder.

Files are mutated and read, runs are interrupted and killed at random moments and resumed, disks are full. All of it
follows from one seed. `docs/reliability.md` keeps the counts.
"""
