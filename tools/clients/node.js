// Does the whole job of job.json with a Node client, in RESP2 and RESP3, one command at a time and
// pipelined: `node.js HOST:PORT node-redis|ioredis`. Exits with 1 on the first reply that is not as
// expected.
'use strict';

const path = require('node:path');
const steps = require('./job.json');

const NAMES =
  /\b(MUG|BOWL|ST-TEST|count-\d|adj-\d|feed-\d|safety-\d|hold-\d|release-\d|t-\d|delay-\d|rcv-\d|po-\d|cancel-\d|alloc-\d|cart-\d|100\d)\b/g;

// A client with three verbs: say(words), pipeline(list of words), close().
const clients = {
  async 'node-redis'(host, port, protocol) {
    const { createClient } = require('redis');
    const client = createClient({ socket: { host, port }, RESP: protocol });
    client.on('error', (error) => {
      throw error;
    });
    await client.connect();
    const say = (words) => client.sendCommand(words);
    return { say, pipeline: (all) => Promise.allSettled(all.map(say)), close: () => client.close() };
  },
  async ioredis(host, port, protocol) {
    const { Redis } = require('ioredis');
    const client = new Redis({ host, port, protocol, lazyConnect: true });
    await client.connect();
    const say = ([name, ...words]) => client.call(name, ...words);
    return { say, pipeline: (all) => Promise.allSettled(all.map(say)), close: () => client.quit() };
  },
};

// The names that the job makes up, as those of the given run: every run has its own, so that
// several can follow each other on one server.
function renamed(value, run) {
  if (run === 0) return value;
  if (typeof value === 'string') return value.replace(NAMES, `$1.${run}`);
  if (Array.isArray(value)) return value.map((v) => renamed(v, run));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, renamed(v, run)]));
}

// A map of RESP3, or RESP2's list of keys and values, as an object.
function asObject(reply) {
  if (reply instanceof Map) return Object.fromEntries(reply);
  if (!Array.isArray(reply)) return reply;
  const pairs = reply.filter((_, i) => i % 2 === 0).map((key, i) => [key, reply[2 * i + 1]]);
  return Object.fromEntries(pairs);
}

// Whether an object has the wanted fields, and anything else is equal.
function fits(reply, wanted) {
  if (Array.isArray(wanted)) {
    const same = Array.isArray(reply) && reply.length === wanted.length;
    return same && wanted.every((w, i) => fits(reply[i], w));
  }
  if (wanted === null || typeof wanted !== 'object') return reply === wanted;
  const object = asObject(reply);
  if (object === null || typeof object !== 'object') return false;
  return Object.keys(wanted).every((key) => key in object && fits(object[key], wanted[key]));
}

function check(step, reply, named) {
  if ('refused' in step) return reply instanceof Error && reply.message.startsWith(step.refused);
  if (reply instanceof Error) return false;
  const same = (a, b) => JSON.stringify(asObject(a)) === JSON.stringify(asObject(b));
  if ('same_as' in step) return same(reply, named[step.same_as]);
  if ('contains' in step) return String(reply).includes(step.contains);
  if ('json' in step) return fits(JSON.parse(reply), step.json);
  return fits(reply, 'map' in step ? step.map : step.reply);
}

function mismatch(text) {
  console.error(text);
  process.exit(1);
}

async function job(client, run) {
  const named = {};
  for (const step of renamed(steps, run)) {
    // `INFO` counts the orders of all runs.
    if ('contains' in step) step.contains = `orders_known:${run + 1}`;
    const reply = await client.say(step.say).catch((refusal) => refusal);
    if ('as' in step) named[step.as] = reply;
    if (!check(step, reply, named)) {
      const answer = reply instanceof Error ? reply.message : JSON.stringify(reply);
      mismatch(`${JSON.stringify(step)}\n  was answered ${answer}`);
    }
  }
}

// Takes `count` units one by one, reading what is left in between, all in one pipeline.
async function pipeline(client, run, count = 1000) {
  const sku = `PIPED.${run}`;
  const take = (id) => ['RESERVATION.PUT', `${sku}.${id}`, 'FIRM', 'LINES', sku, 'DC-ORD', '1'];
  const commands = [
    ['ITEM.PUT', sku, '{"grams":1}'],
    ['STOCK.SET', `${sku}.count`, sku, 'DC-ORD', String(count)],
  ];
  const prepared = commands.length;
  for (let i = 0; i < count; i++) commands.push(take(i), ['ATP.GET', sku]);
  commands.push(take('more'));
  const replies = (await client.pipeline(commands)).slice(prepared);
  for (let i = 0; i < count; i++) {
    const left = replies[2 * i + 1];
    if (left.status !== 'fulfilled' || left.value[0] !== count - 1 - i) {
      mismatch(`reply ${i} of a pipeline is ${JSON.stringify(left)}`);
    }
  }
  const more = replies.at(-1);
  if (more.status !== 'rejected' || !more.reason.message.startsWith('NOSTOCK')) {
    mismatch(`the unit after the last was answered ${JSON.stringify(more)}`);
  }
  return commands.length;
}

function version(name) {
  const module = name === 'ioredis' ? 'ioredis' : 'redis';
  const folder = path.join(process.env.NODE_PATH ?? '', module);
  return require(path.resolve(folder, 'package.json')).version;
}

async function main() {
  const [address, name] = process.argv.slice(2);
  const [host, port] = address.split(':');
  for (const [run, protocol] of [2, 3].entries()) {
    const client = await clients[name](host, Number(port), protocol);
    await job(client, run);
    const piped = await pipeline(client, run);
    await client.close();
    console.log(
      `${name} ${version(name)} RESP${protocol}: ${steps.length} steps, ${piped} pipelined commands: ok`,
    );
  }
}

main().catch((error) => mismatch(String(error.stack ?? error)));
