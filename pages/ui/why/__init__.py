"""Why somebody is in a segment or not, on screen.

`drawer` is the panel and who opens it, `tree` the conditions with what each saw, `grid` a list of
people at once. What the answers are does not live here (`user360/segments`).
"""
