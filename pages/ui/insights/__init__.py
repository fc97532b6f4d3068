"""The kit of the insight pages: the question in the address, the row of controls, figures, and the people behind a mark.

A page says which questions it asks and how they are drawn; everything else is the same on all of them, and stands here.
What is counted does not live here (`user360/insights`).
"""
