"""What every shipped preset reaches: one TOML file of figures a family, a table, and tests.

Each `tests/catalogue/*.toml` has one table a preset, by the preset's name:

    [circles]
    metric = "val/accuracy"   # what is stated, by its full name
    reached = 0.97            # its best value over the run is at least this (at most, for a loss)
    seconds = 4               # what a run takes, on so many cores:
    cores = 1                 # may be left out: 1
    course = 0.96             # may be left out: the figure of the course that it is from
    needs = "download"        # may be left out; with it `reached` and `seconds` may be absent

A preset stands in one file only. `python -m tests.catalogue.table` prints the table that README
holds between its marks; `tests/catalogue/test_table.py` pins it and asks a row of every preset.
Presets that train in seconds are trained to their figures by the tests: each family has a test
file `test_FAMILY.py` as `test_tables.py` is; the slow ones by
`python tests/benchmarks --only catalogue`.
"""
