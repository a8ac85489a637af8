// The main states of the page, one after the other, reached by what is the same in every language.

const view = (page) => page.locator('.view:not([hidden])');
const submit = (within) => within.locator('button[type=submit]').first();

async function connect(page, { url, token }) {
  const form = page.locator('form:has(input[type=radio])');
  if (!await form.isVisible()) await page.locator('.tab.new').click();
  await form.locator('input[type=url]').fill(url);
  if (token === null) await form.locator('input[value=none]').check({ force: true });
  else await form.locator('input[type=password]').fill(token);
  await submit(form).click();
}

async function choose(page, name) {
  const back = view(page).locator('.back');
  if (await back.isVisible()) await back.click();
  await view(page).locator('[role=option]', { hasText: name }).first().click();
  await view(page).locator('.offer h2', { hasText: name }).waitFor();
}

const run = (page) => submit(view(page).locator('.offer form')).click();
const ended = (page) => view(page).locator('.outcome .took').waitFor();

async function timeline(page, shown) {
  const side = view(page).locator('.sides button').nth(shown ? 1 : 0);
  if (await side.isVisible()) await side.click();
}

/** Each is reached from the one before. `world` has `server`, `lavish`, `token` and `wrong`. */
export const STATES = {
  async connect(page) {
    await page.locator('form:has(input[type=radio])').waitFor();
  },
  async 'connect-wrong'(page) {
    await submit(page.locator('form:has(input[type=radio])')).click();
    await page.locator('[aria-invalid=true]').waitFor();
  },
  async 'connect-sign-in'(page) {
    await page.locator('input[value=signIn]').check({ force: true });
  },
  async refused(page, { server, wrong }) {
    await page.locator('input[value=token]').check({ force: true });
    await connect(page, { url: server.url, token: wrong });
    await view(page).locator('.standstill .refusal').waitFor();
  },
  async 'another-token'(page) {
    await view(page).locator('.standstill .button.primary').click();
    await page.locator('dialog[open]').waitFor();
  },
  async ready(page, { server, token }) {
    await page.keyboard.press('Escape');
    await connect(page, { url: server.url, token });
    await view(page).locator('[role=option]').first().waitFor();
    await view(page).locator('.who dl').waitFor();
  },
  async locked(page) {
    await choose(page, 'notes_add');
    await view(page).locator('.offer form :is(input:not([type=hidden]), textarea)').first().fill('milk');
    await run(page);
    await view(page).locator('.outcome .refusal').waitFor();
  },
  async result(page) {
    await choose(page, 'whoami');
    await run(page);
    await ended(page);
  },
  async exchange(page) {
    await timeline(page, true);
    await view(page).locator('[data-exchange]', { hasText: 'notes_add' }).click();
    await view(page).locator('.detail').waitFor();
  },
  async form(page, { lavish }) {
    await timeline(page, false);
    await connect(page, { url: lavish.url, token: null });
    await view(page).locator('[role=option]').first().waitFor();
    await choose(page, 'every kind');
  },
  async 'form-wrong'(page) {
    await run(page);
    await view(page).locator('.offer [aria-invalid=true]').first().waitFor();
  },
  async table(page) {
    await choose(page, 'table');
    await run(page);
    await ended(page);
  },
  async picture(page) {
    await choose(page, 'picture');
    await run(page);
    await ended(page);
  },
  async running(page) {
    await choose(page, 'slow');
    await run(page);
    await view(page).locator('progress[value]').waitFor();
  },
  async question(page) {
    await page.keyboard.press('Escape');
    await choose(page, 'asks');
    await run(page);
    await page.locator('dialog[open] form input:not([type=hidden])').first().waitFor();
  },
  async keys(page) {
    await page.keyboard.press('Escape');
    await page.locator('.preferences button').click();
    await page.locator('dialog[open]').waitFor();
  },
};
