"""The steps a visit can take, in the order they are taken, each with the event it leaves.

Plan and spelling both read this list: `visits` counts how often each step happens, `stream` makes
an event of each. What stands in an event does not live here (`wording`).
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Step(NamedTuple):
    """One kind of step: its event, where it happens (the `door` they came by, in the `shop`, `email`, `chat`), after how many seconds."""

    name: str
    event: str
    place: str
    seconds: float


ROUNDS: Final = 4
STEPS: Final = (
    Step("mail", "Email Sent", "email", 0),
    Step("mailed", "Email Delivered", "email", 9),
    Step("opened", "Email Opened", "email", 3000),
    Step("clicked", "Email Clicked", "email", 25),
    Step("unsubscribed", "Email Unsubscribed", "email", 20),
    Step("offer", "Message Sent", "door", 0),
    Step("offered", "Message Delivered", "door", 3),
    Step("offer read", "Message Read", "door", 500),
    Step("link", "Link Clicked", "door", 30),
    *(
        Step(f"{name} {turn}", event, "door", seconds)
        for turn in range(ROUNDS)
        for name, event, seconds in (
            ("asked", "Message Received", 55),
            ("answer", "Message Sent", 3),
            ("answered", "Message Delivered", 2),
            ("answer read", "Message Read", 14),
        )
    ),
    Step("agent", "Agent Requested", "door", 30),
    Step("session", "Session Started", "shop", 12),
    Step("signed up", "Signed Up", "shop", 70),
    Step("page", "Page Viewed", "shop", 20),
    Step("searched", "Product Searched", "shop", 25),
    Step("viewed", "Product Viewed", "shop", 45),
    Step("wished", "Product Wishlisted", "shop", 15),
    Step("added", "Product Added", "shop", 40),
    Step("viewed too", "Product Viewed", "shop", 60),
    Step("added too", "Product Added", "shop", 40),
    Step("removed", "Product Removed", "shop", 30),
    Step("checkout", "Checkout Started", "shop", 60),
    Step("coupon", "Coupon Applied", "shop", 45),
    Step("failed", "Payment Failed", "shop", 60),
    Step("ordered", "Order Completed", "shop", 80),
    Step("receipt", "Message Sent", "chat", 4),
    Step("receipt there", "Message Delivered", "chat", 3),
    Step("receipt read", "Message Read", "chat", 180),
    Step("shipped", "Order Shipped", "email", 26 * 3600),
    Step("delivered", "Order Delivered", "email", 60 * 3600),
    Step("reviewed", "Review Submitted", "shop", 40 * 3600),
    Step("returned", "Return Requested", "shop", 30 * 3600),
    Step("survey", "Survey Answered", "door", 90),
)
PLACE: Final = {each.name: place for place, each in enumerate(STEPS)}
