// What a person does in the page, by the names that a person reads.

/** Texts of the two catalogues that the tests press or read. */
export const PROTOCOLS = ['2026-07-28', '2025-11-25'];

/** The connection in sight; the others stay in the page, hidden. */
export const view = (page) => page.locator('.view:not([hidden])');
/** What the page says about it, under its identity. */
export const status = (page) => view(page).locator('.said');
export const identity = (page) => view(page).locator('.who dl');
export const timeline = (page) => view(page).locator('section', { has: page.locator('ol') }).last();
export const rows = (page, text) => view(page).locator('[data-exchange]', text ? { hasText: text } : {});
export const result = (page) => view(page).locator('section.outcome');
export const offers = (page) => view(page).getByRole('option');
export const button = (within, name) => within.getByRole('button', { name, exact: true });

/** Fills in the form of a new connection and connects. */
export async function connect(page, { url, token, revision, keep } = {}) {
  const form = page.locator('form').filter({ has: page.getByRole('radio') });
  if (!await form.isVisible()) await button(page, 'New connection').click();
  if (url) await form.getByLabel('Server').fill(url);
  if (token === null) await form.getByText('No token', { exact: true }).click();
  else await form.getByLabel('Access token').fill(token);
  if (revision) await form.getByLabel('Protocol').selectOption(revision);
  if (keep) await form.getByLabel('Keep it until this tab is closed').check();
  await button(form, 'Connect').click();
}

/** Opens one of the lists and chooses what is called so. */
export async function choose(page, name, list = 'Tools') {
  const tab = view(page).getByRole('tab', { name: list });
  if (await tab.getAttribute('aria-selected') !== 'true') await tab.click();
  await offers(page).filter({ has: page.getByText(name, { exact: true }) }).first().click();
}

/** The input of what is chosen. */
export const form = (page) => view(page).locator('.offer form');

export async function run(page, verb = 'Run') {
  await button(form(page), verb).click();
}
