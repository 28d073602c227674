"""Checks of the exercises: one module per notebook, one function per exercise, all built on `frame`."""
