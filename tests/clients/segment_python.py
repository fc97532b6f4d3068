"""segment-analytics-python as its users call it: address, write key, how many events."""

import sys
import time

from segment import analytics

host, key, count = sys.argv[1:]
analytics.write_key, analytics.host = key, host
analytics.upload_size, analytics.upload_interval, analytics.max_retries = 5, 0.2, 1000
analytics.identify("segment-python", {"email": "segment-python@example.org", "plan": "pro"}, anonymous_id="segment-python-anon")
for number in range(int(count)):
    analytics.track("segment-python", "Bought", {"n": number, "odd": float("nan")})
    time.sleep(0.02)
analytics.page("segment-python", "Shop", "Home", {"url": "https://shop.example"})
analytics.screen("segment-python", "Shop", "Cart")
analytics.group("segment-python", "acme", {"employees": 7})
analytics.alias("segment-python-before", "segment-python")
analytics.shutdown()
