import { describe, expect, it } from 'vitest';
import { expand, namesOf } from './uri-template';

const values = { var: 'value', hello: 'Hello World!', path: '/foo/bar', empty: '', x: '1024', y: '768' };

describe('rfc6570_section_3_2 expressions', () => {
  it.each([
    ['{var}', 'value'],
    ['{hello}', 'Hello%20World%21'],
    ['{x,y}', '1024,768'],
    ['{+hello}', 'Hello%20World!'],
    ['{+path}/here', '/foo/bar/here'],
    ['X{#hello}', 'X#Hello%20World!'],
    ['X{.var}', 'X.value'],
    ['{/var,x}/here', '/value/1024/here'],
    ['{;x,y,empty}', ';x=1024;y=768;empty'],
    ['{?x,y,empty}', '?x=1024&y=768&empty='],
    ['?fixed=yes{&x}', '?fixed=yes&x=1024'],
    ['O{undef}X', 'OX'],
    ['{?x,undef}', '?x=1024'],
    ['{path*}', '%2Ffoo%2Fbar'],
    ['no expression', 'no expression'],
  ])('%s is %s', (template, address) => {
    expect(expand(template, values)).toBe(address);
  });

  it('cannot be led out of its place', () => {
    expect(expand('notes://{id}', { id: '../../etc?x#y' })).toBe('notes://..%2F..%2Fetc%3Fx%23y');
  });
});

describe('namesOf', () => {
  it('lists each name once', () => {
    expect(namesOf('a://{x}/{+y,x}{?z*,w:3}')).toEqual(['x', 'y', 'z', 'w']);
  });
});
