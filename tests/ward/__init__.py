"""The ward: networks whose illness is known by how they were built, and healthy ones, for `helpers.clinic`.

`python3 -m tests.ward` examines them all and prints what the clinic found, missed and imagined.
"""
