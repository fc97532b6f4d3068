"""What the sample business sells, says and celebrates: products, texts, coupons, campaigns.

Without this room the events would carry numbered placeholders, and nobody could judge from the
sample whether a timeline or a list of commonest values reads well. Who buys what does not live here
(`visits`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Product:
    """A product, its price in cents of EUR, and its share of the looks."""

    code: str
    name: str
    category: str
    cents: int
    share: float

    @property
    def path(self) -> str:
        """Where its page is on the web shop."""
        return "/p/" + "-".join("".join(each for each in self.name.lower() if each not in ",'").split())


@dataclass(frozen=True, slots=True)
class Campaign:
    """A promotion: the days it runs, how much more is looked at and bought, its coupon and what it says."""

    name: str
    first: date
    last: date
    looks: float
    buys: float
    coupon: str
    subject: str


_CATALOGUE: Final = {
    "Clothing": (
        "Teal kurta 39.00; Indigo block-print dress 64.00; Linen shirt 48.50; Silk scarf 29.00; Merino cardigan 89.00; "
        "Cotton pyjamas 36.00; Festive saree 119.00; Kids' kurta set 27.50; Wool socks 9.50"
    ),
    "Home": (
        "Brass diya, set of 6 18.50; Handwoven rug 149.00; Rattan lamp 74.00; Ceramic mugs, set of 4 32.00; Linen tablecloth 45.00; "
        "Cushion cover 16.00; Wooden spice box 38.00; Copper bottle 24.90"
    ),
    "Beauty": "Rose face oil 22.00; Sandalwood soap 7.50; Neem shampoo 12.90; Kajal pencil 8.90; Gift box Ayurveda 54.00; Jasmine candle 19.00",
    "Jewellery": "Silver jhumka 42.00; Pearl necklace 135.00; Stacking rings 28.00; Beaded bracelet 14.50; Gold-plated bangles 59.00",
    "Food": "Masala chai 500 g 11.90; Mango pickle 6.90; Cardamom chocolate 5.50; Festive sweets box 23.00; Darjeeling first flush 17.50",
    "Shoes": "Leather juttis 52.00; Suede loafers 98.00; Canvas trainers 61.00; Felt slippers 33.00",
}


def _products() -> tuple[Product, ...]:
    listed = [(category, *entry.rsplit(" ", 1)) for category, text in _CATALOGUE.items() for entry in text.split("; ")]
    whole = sum(1 / (rank + 2) ** 0.7 for rank in range(len(listed)))
    shelf = [
        ((rank * 17 + 5) % len(listed), category, name, price) for rank, (category, name, price) in enumerate(listed)
    ]  # the well-liked stand in every category, not all in the first
    return tuple(
        Product(f"P-{1001 + place}", name, category, round(float(price) * 100), 1 / (rank + 2) ** 0.7 / whole)
        for place, (rank, category, name, price) in enumerate(shelf)
    )


PRODUCTS: Final = _products()
CATEGORIES: Final = tuple(_CATALOGUE)
CURRENCY: Final = "EUR"

SEARCHES: Final = (
    "kurta",
    "diya",
    "gift under 30",
    "teal dress",
    "saree",
    "chai",
    "silver earrings",
    "rug 120x180",
    "slippers",
    "सिल्क साड़ी",
    "Kerze",
    "sale",
    "candle",
    "mug set",
    "juttis size 39",
    "regalo",
    "cadeau maman",
    "お茶",
)
PAGES: Final = (
    "/",
    "/new",
    "/sale",
    "/stores",
    "/c/clothing",
    "/c/home",
    "/c/jewellery",
    "/c/food",
    "/help/returns",
    "/blog/how-to-drape-a-saree",
)
REFERRERS: Final = ("google", "direct", "instagram", "facebook", "newsletter", "pinterest", "partner")
DEVICES: Final = ("Android", "iPhone", "Windows", "macOS", "iPad", "Linux")
ASKED: Final = (
    ("Is the teal kurta back in size M?", "stock", "Stock reply"), ("Yes, send me offers here", "opt in", "Opt-in confirmation"),
    ("Where is my order? 📦", "order status", "Order status"), ("Do you ship to my city?", "shipping", "Shipping times"),
    ("I want to return the slippers", "return", "Return label"), ("Hi 👋", "greeting", "Greeting menu"),
    ("Can I pay on delivery?", "payment", "Ways to pay"), ("Talk to a human please", "agent", "Handing over"),
    ("Is this one cotton?", "product", "Product carousel"), ("Thanks ❤️", "thanks", "You are welcome"),
    ("Do you have it in blue too?", "product", "Product carousel"), ("How long does delivery take?", "shipping", "Shipping times"),
    ("Is Diwali gift wrapping free?", "gift", "Gift wrapping"), ("Hello", "greeting", "Greeting menu"),
    ("Show me brass diyas", "product", "Product carousel"), ("Is there a size 39 left?", "stock", "Stock reply"),
)  # fmt: skip
RETURNS: Final = ("too small", "too large", "damaged", "not as pictured", "changed my mind", "arrived late")
REVIEWS: Final = (
    "Lovely 😍",
    "Good quality",
    "Colour differs a little",
    "So pretty",
    "Would buy again",
    "Super!",
    "Runs small",
    "Broke after a week 😞",
)
PAYMENTS: Final = ("card", "PayPal", "UPI", "cash on delivery", "Klarna")
CARRIERS: Final = ("DHL", "Blue Dart", "Correios", "GLS", "UPS")
NEWSLETTERS: Final = (
    "Your size is back",
    "New in: autumn colours",
    "Five ways to wear a kurta",
    "You left something behind",
    "Made by hand, in Kochi",
)

_DIWALI: Final = {
    2020: (11, 14), 2021: (11, 4), 2022: (10, 24), 2023: (11, 12), 2024: (11, 1), 2025: (10, 20), 2026: (11, 8), 2027: (10, 29),
    2028: (10, 17), 2029: (11, 5), 2030: (10, 26), 2031: (11, 14), 2032: (11, 2), 2033: (10, 22), 2034: (11, 10), 2035: (10, 30),
}  # fmt: skip


def campaigns(first: date, last: date) -> tuple[Campaign, ...]:
    """The promotions that touch these days, in order of their first day."""
    every = [each for year in range(first.year - 1, last.year + 2) for each in _of_year(year)]
    return tuple(sorted((each for each in every if each.first <= last and each.last >= first), key=lambda each: each.first))


def _of_year(year: int) -> list[Campaign]:
    lights = date(year, *_DIWALI.get(year, (11, 1)))
    first_november = date(year, 11, 1)
    black_friday = first_november + timedelta(days=(4 - first_november.weekday()) % 7 + 21)
    short = f"{year % 100:02d}"
    return [
        Campaign(
            f"New year {year}", date(year, 1, 2), date(year, 1, 12), 1.25, 1.2, f"NEWYEAR{short}", "Fresh start: 15% off home"
        ),
        Campaign(f"Spring {year}", date(year, 3, 20), date(year, 3, 29), 1.3, 1.15, f"SPRING{short}", "Spring is in"),
        Campaign(f"Mother's Day {year}", date(year, 5, 2), date(year, 5, 10), 1.3, 1.3, f"MUM{short}", "For her 💐"),
        Campaign(
            f"Summer sale {year}", date(year, 7, 1), date(year, 7, 14), 1.45, 1.2, f"SUMMER{short}", "Summer sale: up to 40% off"
        ),
        Campaign(
            f"Diwali {year}",
            lights - timedelta(days=10),
            lights + timedelta(days=1),
            1.9,
            1.5,
            "DIWALI10",
            "Light up Diwali ✨ 10% off",
        ),
        Campaign(
            f"Black Friday {year}",
            black_friday - timedelta(days=1),
            black_friday + timedelta(days=3),
            2.3,
            1.6,
            f"BLACK{short}",
            "Black Friday is here",
        ),
        Campaign(
            f"Christmas {year}", date(year, 12, 5), date(year, 12, 21), 1.5, 1.35, f"XMAS{short}", "Order by 18 December 🎄"
        ),
    ]
