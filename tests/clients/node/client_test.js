// node's Consul client (npm's "consul") against the agent on 127.0.0.1:PORT. Usage: node client_test.js PORT
"use strict";
const assert = require("assert");
const Consul = require("consul");

const consul = new Consul({ host: "127.0.0.1", port: Number(process.argv[2]) });

// The next change that a watch reports; fails if none comes.
function nextChange(watch, holds) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the watch was not woken")), 10000);
    watch.on("error", reject);
    watch.on("change", (data) => {
      if (!holds(data)) return;
      clearTimeout(late);
      resolve(data);
    });
  });
}

async function keysAndConditions() {
  assert.strictEqual(await consul.kv.set({ key: "js/a", value: "one", flags: 5 }), true);
  const row = await consul.kv.get("js/a");
  assert.strictEqual(row.Value, "one");
  assert.strictEqual(row.Flags, 5);
  assert.ok(!(await consul.kv.set({ key: "js/a", value: "two", cas: "0" })));
  assert.strictEqual(await consul.kv.set({ key: "js/a", value: "two", cas: String(row.ModifyIndex) }), true);
  await consul.kv.set("js/b/c", "");
  assert.deepStrictEqual(await consul.kv.keys({ key: "js/", separator: "/" }), ["js/a", "js/b/"]);
  const rows = await consul.kv.get({ key: "js/", recurse: true });
  assert.deepStrictEqual(rows.map((one) => one.Key), ["js/a", "js/b/c"]);
  await consul.kv.del({ key: "js/", recurse: true });
  assert.strictEqual(await consul.kv.get("js/a"), undefined);
}

async function transactions() {
  const done = await consul.transaction.create([
    { KV: { Verb: "set", Key: "js/t", Value: Buffer.from("v").toString("base64") } },
    { KV: { Verb: "get", Key: "js/t" } },
  ]);
  assert.strictEqual(done.Errors, null);
  assert.strictEqual(Buffer.from(done.Results[1].KV.Value, "base64").toString(), "v");
}

async function locks() {
  const first = await consul.session.create({ name: "js", ttl: "10s", lockdelay: "1s" });
  const second = await consul.session.create({ ttl: "10s" });
  assert.strictEqual(await consul.kv.set({ key: "js/lock", value: "1", acquire: first.ID }), true);
  assert.ok(!(await consul.kv.set({ key: "js/lock", value: "2", acquire: second.ID })));
  assert.strictEqual((await consul.kv.get("js/lock")).Session, first.ID);
  assert.strictEqual(await consul.kv.set({ key: "js/lock", value: "1", release: first.ID }), true);
  assert.strictEqual((await consul.session.get(first.ID)).LockDelay, 1000000000);
  assert.strictEqual((await consul.session.renew(first.ID))[0].ID, first.ID);
  await consul.session.destroy(first.ID);
  assert.strictEqual(await consul.session.get(first.ID), undefined);
}

async function watches() {
  await consul.kv.set("js/watched", "before");
  const watch = consul.watch({ method: consul.kv.get, options: { key: "js/watched", wait: "20s" }, backoffFactor: 10 });
  await nextChange(watch, (row) => row.Value === "before");
  const changed = nextChange(watch, (row) => row.Value === "after");
  await consul.kv.set("js/watched", "after");
  await changed;
  watch.end();
}

async function services() {
  await consul.agent.service.register({
    name: "js-web",
    id: "js-web-1",
    address: "10.0.0.2",
    port: 8080,
    tags: ["green"],
    meta: { version: "3" },
    check: { ttl: "30s", status: "critical" },
  });
  assert.strictEqual((await consul.agent.services())["js-web-1"].Meta.version, "3");

  const watch = consul.watch({ method: consul.health.service, options: { service: "js-web", passing: true } });
  const healthy = nextChange(watch, (rows) => rows.length === 1);
  await consul.agent.check.pass({ id: "service:js-web-1", note: "up" });
  assert.strictEqual((await healthy)[0].Service.Port, 8080);
  watch.end();

  assert.deepStrictEqual((await consul.catalog.service.list())["js-web"], ["green"]);
  assert.strictEqual((await consul.catalog.service.nodes("js-web"))[0].ServiceAddress, "10.0.0.2");
  assert.deepStrictEqual((await consul.health.checks("js-web")).map((check) => check.Status), ["passing"]);
  await consul.agent.service.maintenance({ id: "js-web-1", enable: true, reason: "test" });
  await consul.agent.service.maintenance({ id: "js-web-1", enable: false });
  await consul.agent.service.deregister("js-web-1");
  assert.strictEqual((await consul.agent.services())["js-web-1"], undefined);
}

async function cluster() {
  assert.match(await consul.status.leader(), /^127\.0\.0\.1:\d+$/);
  assert.deepStrictEqual(await consul.catalog.datacenters(), ["dc1"]);
  assert.strictEqual((await consul.agent.self()).Config.Datacenter, "dc1");
  assert.deepStrictEqual((await consul.agent.members()).map((member) => member.Name), ["n1"]);
  await assert.rejects(consul.kv.get({ key: "js/a", dc: "nowhere" }), (error) => error.statusCode === 500);
}

(async () => {
  const tests = [keysAndConditions, transactions, locks, watches, services, cluster];
  for (const test of tests) {
    await test();
    console.log(`node: ${test.name} ok`);
  }
  console.log(`node: ${tests.length} passed`);
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
