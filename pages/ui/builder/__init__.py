"""The builder of rules: nested groups of conditions, edited row by row; every row a projection of plain JSON.

Without it the Segments screen and the users filter would each edit a condition their own way. What
a condition means does not live here (`user360/segments`).

`draft` is the tree as plain values, `editing` its place in the session and the address, `tree` draws
it; `attributes`, `happenings`, `details`, `spans` and `others` edit one row each.
"""
