"""The one UI kit every screen shares: session, words, states, controls, rules, tables, charts.

Without it each page would invent its own empty state, its own number format and its own way to lose
a selection. What a page is about does not live here (`pages/*.py`), nor any question asked of the
database (`user360/`).
"""
