import { describe, expect, it } from 'vitest';
import { undrawable } from '../form/drawable';
import { inputSchema } from './input';
import { offeredPrompt, offeredResource, offeredTemplate, offeredTool } from './offer';

describe('inputSchema', () => {
  it('is the tool’s own', () => {
    const schema = { type: 'object', properties: { a: {} } };
    expect(inputSchema(offeredTool({ name: 't', inputSchema: schema } as never))).toBe(schema);
  });

  it('asks for texts where a prompt has arguments', () => {
    const prompt = offeredPrompt({
      name: 'p',
      arguments: [{ name: 'who', required: true, description: 'Whom' }, { name: 'how' }],
    });
    expect(inputSchema(prompt)).toEqual({
      type: 'object',
      properties: { who: { type: 'string', description: 'Whom' }, how: { type: 'string' } },
      required: ['who'],
      additionalProperties: false,
    });
  });

  it('asks for the names of a template', () => {
    const template = offeredTemplate({ name: 'x', uriTemplate: 'x://{a}/{b}' } as never);
    expect(inputSchema(template)).toMatchObject({ properties: { a: { type: 'string' }, b: { type: 'string' } } });
  });

  it('asks for nothing where a resource has its address', () => {
    expect(inputSchema(offeredResource({ uri: 'x:1', name: 'x' } as never))).toBeNull();
  });

  it('can be drawn whatever the names are', () => {
    const prompt = offeredPrompt({ name: 'p', arguments: [{ name: '__proto__' }, { name: '<b>' }] });
    expect(undrawable(inputSchema(prompt))).toBeNull();
  });
});
