// @segment/analytics-node as its users call it: address, write key, how many events.
const { Analytics } = require("@segment/analytics-node");

async function main([host, writeKey, count]) {
  const analytics = new Analytics({ writeKey, host, maxEventsInBatch: 5, flushInterval: 200, maxRetries: 1000 });
  const userId = "segment-node";
  analytics.on("error", (fault) => console.error(fault));
  analytics.identify({ userId, anonymousId: "segment-node-anon", traits: { email: "segment-node@example.org", plan: "pro" } });
  for (let n = 0; n < Number(count); n++) {
    analytics.track({ userId, event: "Bought", properties: { n } });
    await new Promise((done) => setTimeout(done, 20));
  }
  analytics.page({ userId, category: "Shop", name: "Home", properties: { url: "https://shop.example" } });
  analytics.screen({ userId, category: "Shop", name: "Cart" });
  analytics.group({ userId, groupId: "acme", traits: { employees: 7 } });
  analytics.alias({ userId, previousId: "segment-node-before" });
  await analytics.closeAndFlush({ timeout: 600000 });
}

main(process.argv.slice(2));
