import { expect, test } from 'vitest';
import { streamEvents } from './events';

const stream = (...chunks: string[]) => new ReadableStream<Uint8Array<ArrayBuffer>>({
  start(controller) {
    chunks.forEach((chunk) => controller.enqueue(new TextEncoder().encode(chunk)));
    controller.close();
  },
});

async function all(...chunks: string[]) {
  const events = [];
  for await (const event of streamEvents(stream(...chunks))) events.push(event);
  return events;
}

test.each<[string, string[], unknown]>([
  ['one event', ['event: caller\ndata: {"a":1}\n\n'], [{ name: 'caller', data: '{"a":1}' }]],
  ['cut anywhere', ['eve', 'nt: caller\nda', 'ta: x\n', '\n'], [{ name: 'caller', data: 'x' }]],
  ['comments keep alive', [': still here\n\n', 'data: x\n\n'], [{ name: 'message', data: 'x' }]],
  ['several lines, other line ends', ['data: a\r\ndata:b\r\n\r\n'], [{ name: 'message', data: 'a\nb' }]],
  ['an event without its end does not count', ['data: x\n'], []],
])('%s', async (_name, chunks, expected) => {
  expect(await all(...chunks)).toEqual(expected);
});

test('a stream without end of an event is given up', async () => {
  await expect(all('data: ' + 'x'.repeat(2_000_000))).rejects.toThrow('too long');
});
