"""The script Streamlit runs. It stands here and not beside `pages/`, so that no deep link can bypass the shell."""

from pages.ui.shell import render

render()
