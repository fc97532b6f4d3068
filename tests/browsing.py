"""A real Chromium for the tests that need one, and when a page has answered.

Without this room every such test would start it with other flags, lose patience at another moment, and guess with the
clock whether a page has answered. A page says it has when the server said so on its connection: a run that
began after the last question has ended. On a slow machine that takes long and nothing else changes.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from playwright.sync_api import Page, expect, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.conftest import browser
from tests.serving import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, WebSocket

SETTLED = "[data-testid='stApp'][data-test-connection-state='CONNECTED'][data-test-script-state='notRunning']"
PATIENCE_MILLISECONDS = PATIENCE_SECONDS * 1000
_QUIET = 350  # ms in which a page asks what follows
_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 200))))"

expect.set_options(timeout=PATIENCE_MILLISECONDS)


class _Talk:
    """What a page and the server say to each other: whether something the page asked is still to be answered."""

    def __init__(self) -> None:
        self.lines = 0
        self.asked = 0
        self.waits = False
        self._begun = False

    def follow(self, line: WebSocket) -> None:
        """Listen to a new connection, on which the page is going to ask for itself."""
        self.lines += 1
        self._ask()
        line.on("framesent", self._sent)
        line.on("framereceived", self._received)

    def _sent(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes) and BackMsg.FromString(frame).WhichOneof("type") == "rerun_script":
            self._ask()

    def _ask(self) -> None:
        self.asked += 1
        self.waits, self._begun = True, False

    def _received(self, frame: bytes | str) -> None:
        told = ForwardMsg.FromString(frame) if isinstance(frame, bytes) else ForwardMsg()
        if told.WhichOneof("type") == "new_session":
            self._begun = True
        elif told.WhichOneof("type") == "script_finished" and told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self.waits = self.waits and not self._begun


_talks: WeakKeyDictionary[Page, _Talk] = WeakKeyDictionary()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, ended with the test."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox", "--disable-dev-shm-usage"], timeout=PATIENCE_MILLISECONDS
        )
        yield running
        running.close()


def tab(chromium: Browser, *, height: int = 1000, **more: Any) -> Page:
    """A fresh tab with a patience of its own for everything, whose talk with the server is followed."""
    page = chromium.new_page(viewport={"width": 1440, "height": height}, accept_downloads=True, **more)
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    talk = _talks[page] = _Talk()
    page.on("websocket", talk.follow)
    return page


def settle(page: Page) -> None:
    """Wait until the page has answered what was asked, and whatever it asks soon after that, and is drawn."""
    talk, asked = _talks[page], -1
    while asked != talk.asked:
        asked = talk.asked
        page.wait_for_timeout(_QUIET)
        _until(page, lambda: not talk.waits, "did not answer")
    page.wait_for_selector(SETTLED)
    page.evaluate(_DRAWN)


@contextmanager
def asking(page: Page) -> Iterator[None]:
    """What is done inside asks the server something: wait until it is asked, however slow the browser is, and settled."""
    talk = _talks[page]
    before = talk.asked
    yield
    _until(page, lambda: talk.asked > before, "was asked nothing")
    settle(page)


def go(page: Page, address: str) -> None:
    """Open an address and wait until it is drawn."""
    talk = _talks[page]
    before = talk.lines
    page.goto(address)
    _until(page, lambda: talk.lines > before, "did not reach the server")
    settle(page)


def press(page: Page | Locator, name: str, place: int = 0) -> None:
    """Press the button of that name on a page or in a part of it, the first or the one at that place; the server answers it."""
    with asking(page if isinstance(page, Page) else page.page):
        page.get_by_role("button", name=name, exact=True).nth(place).click()


def point(mark: Locator) -> None:
    """Click the middle of a mark, as a pointer does: plotly answers to the pointer, not to the element."""
    page, (x, y, width, height) = mark.page, stand(mark)
    page.mouse.move(x + width / 2 - 2, y + height / 2)
    page.mouse.move(x + width / 2, y + height / 2)
    with asking(page):
        page.mouse.click(x + width / 2, y + height / 2)


def point_in_flow(page: Page, told: str) -> None:
    """Click the link or node of the flow on the page of which the chart says `told` where the pointer is."""
    canvas = page.get_by_test_id("stEChartsChart").locator("canvas")
    tip = canvas.locator("xpath=../following-sibling::div[1]")
    left, top, width, height = stand(canvas)
    places = [(left + width * x / 10, top + height * y / 20) for y in range(1, 20) for x in range(1, 10)]

    def found() -> bool:
        for x, y in places:
            page.mouse.move(x, y)
            page.evaluate(_FRAME)
            if tip.count() and told in tip.inner_text():
                return True
        return False

    _until(page, found, f"has nothing in its flow that says {told}")
    with asking(page):
        page.mouse.down()
        page.mouse.up()


def stand(mark: Locator) -> tuple[float, float, float, float]:
    """Where a mark is once it stands still: left, top, width, height, in pixels of the window."""
    boxes: list[Any] = []

    def still() -> bool:
        mark.page.evaluate(_DRAWN)
        boxes.append(mark.bounding_box())
        return boxes[-1] is not None and boxes[-1] in boxes[-2:-1]

    _until(mark.page, still, "does not stand still")
    return boxes[-1]["x"], boxes[-1]["y"], boxes[-1]["width"], boxes[-1]["height"]


def behind(page: Page) -> Locator:
    """The panel with the people behind the mark that was chosen."""
    return page.locator("[class*='st-key-'][class*='-behind']")


def save_as_segment(page: Page, name: str, *, like: bool = False) -> None:
    """Save the listed people under a name, as they are or as a rule for people `like` these, and see the segment opened."""
    press(behind(page), "Save as segment")
    dialog = page.get_by_role("dialog")
    if like:
        with asking(page):
            dialog.get_by_text("People like these", exact=True).click()
    enter(dialog.get_by_label("Name", exact=True), name)
    press(dialog, "Save")
    expect(page).to_have_url(re.compile(r"/segment\?id=s\d+$"))
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def enter(field: Locator, text: str) -> None:
    """Type another text into a field and press Enter, which the server answers."""
    with asking(field.page):
        field.fill(text)
        expect(field).to_have_value(text)
        field.press("Enter")


def _until(page: Page, done: Callable[[], bool], otherwise: str) -> None:
    """Wait in the way that lets the page's own news come in meanwhile."""
    until(done, f"{page.url} {otherwise}", lambda seconds: page.wait_for_timeout(seconds * 1000))
