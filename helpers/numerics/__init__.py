"""The formulas that a learner reads, in NumPy alone."""
