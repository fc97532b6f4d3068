"""rudder-sdk-python as its users call it: address, write key, how many events."""

import sys
import time

from rudderstack import analytics

host, key, count = sys.argv[1:]
analytics.write_key, analytics.dataPlaneUrl = key, host
analytics.upload_size, analytics.upload_interval, analytics.max_retries = 5, 0.2, 1000
analytics.identify("rudder-python", {"email": "rudder-python@example.org", "plan": "pro"}, anonymous_id="rudder-python-anon")
for number in range(int(count)):
    analytics.track("rudder-python", "Bought", {"n": number})
    time.sleep(0.02)
analytics.page("rudder-python", "Shop", "Home", {"url": "https://shop.example"})
analytics.screen("rudder-python", "Shop", "Cart")
analytics.group("rudder-python", "acme", {"employees": 7})
analytics.alias("rudder-python-before", "rudder-python")
analytics.shutdown()
