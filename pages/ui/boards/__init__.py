"""The kit of the page of boards: the tiles, what holds for all of them, what is done to a board, the file made of it.

How a kind of insight is drawn does not live here (`pages/ui/insights`), nor what a board is (`user360/boards`).
"""
