"""How quick User 360 is, beside plain hand-written DuckDB on a bare table: `python -m tests.benchmarks`."""
