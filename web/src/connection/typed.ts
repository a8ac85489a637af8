/** What is wrong with a typed URL of a server, if something is. */
export function urlProblem(text: string): 'scheme' | null {
  const url = URL.parse(text.trim());
  return url && (url.protocol === 'http:' || url.protocol === 'https:') ? null : 'scheme';
}

/** What is wrong with a pasted token (`token68` of RFC 9110, and a little more that servers use), if something is. */
export function tokenProblem(text: string): 'missing' | 'characters' | null {
  const token = text.trim();
  if (token === '') return 'missing';
  return /^[\x21-\x7e]+$/.test(token) ? null : 'characters';
}
