// @rudderstack/rudder-sdk-node as its users call it: address, write key, how many events.
const RudderAnalytics = require("@rudderstack/rudder-sdk-node");

async function main([host, writeKey, count]) {
  const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl: host, flushAt: 5, flushInterval: 200, retryCount: 1000, axiosRetryConfig: { retryDelay: () => 500 } });
  const userId = "rudder-node";
  const sent = [];
  const told = (call, message) => sent.push(new Promise((done) => analytics[call](message, done)));
  told("identify", { userId, anonymousId: "rudder-node-anon", traits: { email: "rudder-node@example.org", plan: "pro" } });
  for (let n = 0; n < Number(count); n++) {
    told("track", { userId, event: "Bought", properties: { n } });
    await new Promise((done) => setTimeout(done, 20));
  }
  told("page", { userId, category: "Shop", name: "Home", properties: { url: "https://shop.example" } });
  told("screen", { userId, category: "Shop", name: "Cart" });
  told("group", { userId, groupId: "acme", traits: { employees: 7 } });
  told("alias", { userId, previousId: "rudder-node-before" });
  await Promise.race([Promise.all(sent), new Promise((done) => setTimeout(done, 600000))]);
  process.exit(0);
}

main(process.argv.slice(2));
