"""User 360, started in any of three ways.

- `streamlit run app.py` and `uvicorn app:app`: the pages and the HTTP API in one process;
- as a script, as the page tests run it: the pages alone.

The main script of the pages is `pages/ui/main.py`. Beside a folder called `pages`, a main script
would be passed over by the first address that names a page.
"""

from __future__ import annotations

from pathlib import Path

MAIN_SCRIPT = Path(__file__).resolve().parent / "pages" / "ui" / "main.py"

if __name__ == "__main__":
    from pages.ui.shell import render

    render()
else:
    from functools import partial

    import streamlit as st
    from starlette.middleware import Middleware

    from pages.ui import ahead
    from user360 import uploads, web

    most = st.get_option("server.maxUploadSize") * 2**20
    inward = [*web.middleware(), Middleware(uploads.Uploads, most=most)]
    app = st.App(MAIN_SCRIPT, routes=web.routes(), lifespan=partial(web.lifespan, get_ready=ahead.read), middleware=inward)
