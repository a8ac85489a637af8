import { expect, test } from 'vitest';
import { outcomeOf } from './outcome';

const rpc = (members: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, ...members });

test.each<[string, string, unknown]>([
  ['nothing', '', null],
  ['a page', '<html>', null],
  ['a plain result', rpc({ result: { content: [] } }), null],
  ['an error', rpc({ error: { code: -32602, message: 'no' } }), { kind: 'error', code: -32602, message: 'no' }],
  ['an OAuth error is none of JSON-RPC', '{"error":"invalid_grant"}', null],
  ['a tool that failed', rpc({ result: { isError: true } }), { kind: 'tool-error', code: null, message: '' }],
  ['a question', rpc({ result: { resultType: 'input_required' } }), { kind: 'input-required', code: null, message: '' }],
  [
    'the last of several events',
    `data: {"method":"notifications/progress"}\n\nevent: message\ndata: ${rpc({ error: { code: 1, message: 'x' } })}\n\n`,
    { kind: 'error', code: 1, message: 'x' },
  ],
])('%s', (_name, body, expected) => {
  expect(outcomeOf(body)).toEqual(expected);
});
