// The value of a form as a tool gets it: what the person left empty is left out.

import { isSchema, resolved, type JsonSchema } from './schema';

/** Schemas that may say something about the same value; more than this are not looked through. */
const VIEWS = 60;

export function pruned(value: unknown, root: JsonSchema): Record<string, unknown> {
  const kept = prune(value, viewsOf(root, root), root);
  return isObject(kept) ? kept : {};
}

function prune(value: unknown, views: readonly JsonSchema[], root: JsonSchema): unknown {
  if (Array.isArray(value)) return pruneItems(value, views, root);
  if (!isObject(value)) return value;
  const kept: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const child = prune(member, propertyViews(views, name, root), root);
    // An object or a list that was only drawn, not filled, is not sent unless it must be there.
    if (child === undefined || (isEmpty(child) && !isRequired(views, name))) continue;
    kept.push([name, child]);
  }
  return Object.fromEntries(kept);
}

/** A place that is empty beside one that is not cannot be left out: the others would move. */
function pruneItems(items: readonly unknown[], views: readonly JsonSchema[], root: JsonSchema): readonly unknown[] {
  const kept = items.map((item, index) => prune(item, itemViews(views, index, root), root));
  return kept.every((item) => item === undefined) ? [] : kept.map((item) => item ?? null);
}

/** A schema with everything that applies to the same place: its reference, its parts, its alternatives. */
function viewsOf(schema: unknown, root: JsonSchema): readonly JsonSchema[] {
  const views = new Set<JsonSchema>();
  const queue: unknown[] = [schema];
  while (queue.length > 0 && views.size < VIEWS) {
    const next = queue.pop();
    if (!isSchema(next) || views.has(next)) continue;
    views.add(next);
    queue.push(resolved(root, next.$ref), next.then, next.else);
    for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
      const list = next[keyword];
      if (Array.isArray(list)) queue.push(...(list as unknown[]));
    }
  }
  return [...views];
}

function propertyViews(views: readonly JsonSchema[], name: string, root: JsonSchema): readonly JsonSchema[] {
  return views.flatMap(({ properties, additionalProperties }) => {
    const own = isSchema(properties) && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    return viewsOf(own, root);
  });
}

function itemViews(views: readonly JsonSchema[], index: number, root: JsonSchema): readonly JsonSchema[] {
  return views.flatMap(({ items, prefixItems, additionalItems }) => {
    const tuple = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
    return viewsOf(tuple[index] ?? (Array.isArray(items) ? additionalItems : items), root);
  });
}

function isRequired(views: readonly JsonSchema[], name: string): boolean {
  return views.some(({ required }) => Array.isArray(required) && required.includes(name));
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
