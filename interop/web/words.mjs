// What stands in a part of the page.

/** Its text as one line. */
export async function text(locator) {
  return (await locator.innerText()).replace(/\s+/g, ' ').trim();
}
