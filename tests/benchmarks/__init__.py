"""How quick User 360 is, beside plain hand-written DuckDB on a bare table: `python -m tests.benchmarks`."""

import user360  # noqa: F401 - before numpy, which looks once by which instructions it sorts (`user360.processor`)
