"""A believable business to try everything on: an online shop with a WhatsApp bot.

Without it a fresh installation would be an empty table, and the benchmarks would measure noise. The
generator is deterministic: the same numbers, instant and seed make the same rows, on any machine.
It makes five thousand users as readily as a million, in bounded memory.

`calendar`, `places`, `goods` say what there is; `crowd` who the people are; `visits` what they do
day by day, over the `steps`; `roster`, `contacts` and `changes` spell the users, `stream` and
`wording` the events; `loading` puts it all into a store, `files` writes it as files.
"""

from user360.demo.changing import Change
from user360.demo.loading import load
from user360.demo.making import batches, changes, people, tables

__all__ = ["Change", "batches", "changes", "load", "people", "tables"]
