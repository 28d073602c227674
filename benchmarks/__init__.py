"""What the course promises about speed, measured: `python3 -m benchmarks` prints the table."""
