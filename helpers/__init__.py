"""The package that the notebooks import: numerics first, then networks, pictures, live figures and checks.

Imports go one way only, down the list in CONTRIBUTING.md; `tests/test_layers.py` reads them.
"""
