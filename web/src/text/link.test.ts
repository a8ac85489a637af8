import { describe, expect, it } from 'vitest';
import { safeLink } from './link';

describe('safeLink', () => {
  it.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'blob:https://example.com/1',
    'file:///etc/passwd',
    'vbscript:x',
    '//example.com/a',
    '/relative',
    'https://bank.example@evil.example/',
    'https://',
    '',
    `https://example.com/${'a'.repeat(9000)}`,
  ])('refuses %j', (text) => {
    expect(safeLink(text)).toBeNull();
  });

  it('keeps http and https, and shows the host that is meant', () => {
    expect(safeLink('https://example.com/a b')).toEqual({ href: 'https://example.com/a%20b', host: 'example.com' });
    expect(safeLink('http://127.0.0.1:8000/x')?.host).toBe('127.0.0.1:8000');
    expect(safeLink('https://еxample.com/')?.host).toBe('xn--xample-2of.com');
  });
});
