// @jitsu/js as its users call it: address, write key, how many events. Prints those that were answered: it never sends one again.
const { jitsuAnalytics } = require("@jitsu/js");

async function listening(address, request) {
  const answer = await fetch(address, request);
  const sent = JSON.parse(request.body);
  if (answer.status === 200 && sent.type === "track") console.log(sent.properties.n);
  return answer;
}

async function main([host, writeKey, count]) {
  const analytics = jitsuAnalytics({ host, writeKey: `${writeKey}:user360`, s2s: true, fetch: listening });
  await analytics.identify("jitsu", { email: "jitsu@example.org", plan: "pro" });
  for (let n = 0; n < Number(count); n++) {
    await analytics.track("Bought", { n });
    await new Promise((done) => setTimeout(done, 20));
  }
  await analytics.page({ name: "Home", url: "https://shop.example" });
  await analytics.group("acme", { employees: 7 });
  process.exit(0);
}

main(process.argv.slice(2));
