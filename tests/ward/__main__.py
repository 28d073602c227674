"""`python3 -m tests.ward [--half set|hold] [--totals]`: examine the ward and print what came of it."""

import argparse

from tests.ward import rounds


def main():
    """Print the report of one half, or of both."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.ward", description=__doc__)
    parser.add_argument("--half", choices=rounds.HALVES, help="one half of the ward; both without it")
    parser.add_argument("--totals", action="store_true", help="the sums alone")
    chosen = parser.parse_args()
    halves = [chosen.half] if chosen.half else rounds.HALVES
    patients = [patient for patient in rounds.PATIENTS if patient.half in halves]
    visits, seconds = rounds.timed(lambda: rounds.rounds(patients))
    for half in halves:
        here = [visit for visit in visits if visit.patient.half == half]
        print(rounds.summary(here) if chosen.totals else rounds.report(here, half), end="\n\n")
    print(f"{seconds:.0f} s of processor time")


if __name__ == "__main__":
    main()
