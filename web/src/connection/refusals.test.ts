import { expect, test } from 'vitest';
import { parseChallenges, tokenChallenge } from './challenge';
import { kindOf } from './refusals';

test.each([
  [401, 'Bearer realm="mcp"', 'token-needed'],
  [401, 'Bearer error="invalid_token"', 'token-invalid'],
  [401, '', 'token-needed'],
  [403, 'Bearer error="insufficient_scope", scope="a"', 'scopes'],
  [403, 'Bearer realm="mcp"', 'forbidden'],
  [403, '', 'forbidden'],
  [400, 'Bearer error="invalid_request"', 'malformed'],
  [429, '', 'too-many'],
  [502, '', 'unavailable'],
  [503, '', 'unavailable'],
  [500, '', 'other'],
  [404, '', 'other'],
])('rfc6750_3_1 %d %s', (status, field, kind) => {
  expect(kindOf(status, tokenChallenge(parseChallenges(field)))).toBe(kind);
});
