"""The long runs whose results the course shows: `python3 -m experiments` makes all of `results/` anew."""
