// Follows the stream `stock` with a Node client as one of a consumer group, through whatever happens
// to the server, up to the event with reason `last`; fails unless it saw every event, in order:
// `feed_follow.js node-redis|ioredis HOST:PORT`.
'use strict';

const path = require('node:path');

const WRITES_LEAST = 451;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A client with say(...words), and its typed way to read a group: a list of [id, fields].
const clients = {
  async 'node-redis'(host, port) {
    const { createClient } = require('redis');
    const socket = { host, port, reconnectStrategy: () => 50 };
    const client = createClient({ socket, disableOfflineQueue: true });
    // Losing the server is what this is about; the commands in flight tell.
    client.on('error', () => {});
    await client.connect();
    const read = async (after) => {
      const stream = { key: 'stock', id: after };
      const options = { COUNT: 20, BLOCK: 500 };
      const streams = await client.xReadGroup('follower', 'js', stream, options);
      return (streams ?? []).flatMap((s) => s.messages.map((m) => [m.id, m.message]));
    };
    return { say: (...words) => client.sendCommand(words), read, close: () => client.destroy() };
  },
  async ioredis(host, port) {
    const { Redis } = require('ioredis');
    const client = new Redis({
      host,
      port,
      retryStrategy: () => 50,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
    });
    client.on('error', () => {});
    const read = async (after) => {
      const words = ['GROUP', 'follower', 'js', 'COUNT', 20, 'BLOCK', 500, 'STREAMS', 'stock', after];
      const streams = await client.xreadgroup(...words);
      const object = (list) =>
        Object.fromEntries(list.flatMap((key, i) => (i % 2 ? [] : [[key, list[i + 1]]])));
      return (streams ?? []).flatMap(([, events]) => events.map(([id, f]) => [id, object(f)]));
    };
    const say = (name, ...words) => client.call(name, ...words);
    return { say, read, close: () => client.disconnect() };
  },
};

function fail(text) {
  console.error(text);
  process.exit(1);
}

function version(name) {
  const module = name === 'ioredis' ? 'ioredis' : 'redis';
  const folder = path.join(process.env.NODE_PATH ?? '', module);
  return require(path.resolve(folder, 'package.json')).version;
}

async function patient(act) {
  for (let tries = 0; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (String(error.message).includes('BUSYGROUP')) return null;
      if (tries > 1200) throw error;
      await wait(50);
    }
  }
}

async function main() {
  const [name, address] = process.argv.slice(2);
  const [host, port] = address.split(':');
  const client = await clients[name](host, Number(port));
  const newest = await patient(() => client.say('XREVRANGE', 'stock', '+', '-', 'COUNT', '1'));
  const start = newest.length ? newest[0][0] : '0-0';
  await patient(() => client.say('XGROUP', 'CREATE', 'stock', 'follower', start));
  const seen = new Set();
  let [given, after, ended, breaks] = [0, '0', false, 0];
  while (!ended) {
    try {
      const events = await client.read(after);
      for (const [id, fields] of events) {
        given += 1;
        seen.add(id);
        ended ||= fields.reason === 'last';
      }
      if (events.length) await client.say('XACK', 'stock', 'follower', ...events.map(([id]) => id));
      else after = '>';
    } catch (error) {
      // What was given and not acknowledged comes first.
      [after, ended] = ['0', false];
      if (++breaks > 2000) throw error;
      await wait(50);
    }
  }
  const every = (await client.say('XRANGE', 'stock', `(${start}`, '+')).map(([id]) => id);
  if (JSON.stringify([...seen]) !== JSON.stringify(every)) {
    fail(`saw ${seen.size} events of ${every.length}, or in another order`);
  }
  if (seen.size < WRITES_LEAST || breaks === 0) fail(`${seen.size} events, ${breaks} breaks`);
  console.log(`${name} ${version(name)}: ${seen.size} events in order, ${given} given: ok`);
  client.close();
}

main().catch((error) => fail(String(error.stack ?? error)));
