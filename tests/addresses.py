"""The app as whoever follows a link meets it: one page, with what its address says, and no page before it."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from pages.ui import nav
from tests.serving import PATIENCE_SECONDS

MAIN = Path(nav.__file__).with_name("main.py")


def at_address(page: str = "", /, **parameters: str) -> AppTest:
    """The app at the address of a page, by its key in `nav.SCREENS`, or at the bare one; drawn."""
    test = AppTest.from_file(str(MAIN), default_timeout=PATIENCE_SECONDS)
    test.query_params.update(parameters)
    if page:
        assert page in [each.key for each in nav.SCREENS]
        test._page_hash = calc_hash(page)  # `switch_page` only knows pages once another was drawn
    return test.run()
