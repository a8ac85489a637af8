// Sign-in and consent without a person: plain redirects, so that following them gives a code.

/** Signs in `login_hint` (or alice) and grants all that is asked; the hint `deny` refuses. */
export async function interact(provider, request, response) {
  const details = await provider.interactionDetails(request, response);
  await provider.interactionFinished(request, response, await result(provider, details));
}

async function result(provider, { prompt, params, session, grantId }) {
  const subject = params.login_hint ?? 'alice';
  if (subject === 'deny') {
    return { error: 'access_denied', error_description: 'the person said no' };
  }
  if (prompt.name === 'login') return { login: { accountId: subject } };

  const grant = await provider.Grant.find(grantId ?? '')
    ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return { consent: { grantId: await grant.save() } };
}
