//! Where the tokens of a scenario come from.

use std::path::Path;

use propusk::{
    Client, ClientAuthentication, ClientKey,
    client::{
        AuthorizationCode, ClientCredentials, DpopKey, EnterpriseIdp, EnterpriseManaged,
        FileLogins, InteractiveLogin, MachineClient, WorkloadIdentity,
    },
};

use crate::{browser::Headless, context::Context};

/// The document that describes this client, where a server knows such documents.
const CLIENT_METADATA: &str = "https://conformance-test.local/client-metadata.json";

/// Gives the client what the scenario is about. Logins are kept in this folder.
pub(crate) fn give(client: Client, context: &Context, folder: &Path) -> anyhow::Result<Client> {
    let text = |name| context.text(name).map(str::to_owned);
    Ok(match &*context.scenario {
        "auth/client-credentials-basic" => {
            let machine = MachineClient::secret(text("client_id")?, text("client_secret")?);
            client.tokens(ClientCredentials::new(machine))
        }
        "auth/client-credentials-jwt" => {
            let key = ClientKey::from_pem(context.text("private_key_pem")?)?;
            let by = ClientAuthentication::private_key_jwt(text("client_id")?, key);
            client.tokens(ClientCredentials::new(MachineClient::authenticated(by)))
        }
        "auth/enterprise-managed-authorization" => {
            let at_idp = MachineClient::public(text("idp_client_id")?);
            let idp = EnterpriseIdp::new(text("idp_issuer")?, text("idp_token_endpoint")?, at_idp);
            let here = MachineClient::secret(text("client_id")?, text("client_secret")?);
            let id_token = text("idp_id_token")?;
            client.tokens(EnterpriseManaged::new(idp, here, move || {
                std::future::ready(Ok(id_token.clone()))
            }))
        }
        "auth/wif-jwt-bearer" => {
            let jwt = text("valid_jwt")?;
            client.tokens(WorkloadIdentity::new(move || {
                std::future::ready(Ok(jwt.clone()))
            }))
        }
        name if name.starts_with("auth/") => client.tokens(sign_in(context, folder)?),
        _ => client,
    })
}

/// A user who signs in with a browser, and a login that is kept as long as this program runs.
fn sign_in(
    context: &Context,
    folder: &Path,
) -> anyhow::Result<InteractiveLogin<FileLogins, Headless>> {
    let mut flow =
        AuthorizationCode::new("conformance-client").client_metadata_url(CLIENT_METADATA);
    if context.scenario == "auth/pre-registration" {
        let secret = context.text("client_secret")?.to_owned();
        flow = flow.client_id(context.text("client_id")?, Some(secret));
    }
    if context.scenario.starts_with("auth/dpop") {
        flow = flow.dpop(DpopKey::generate()?);
    }
    Ok(InteractiveLogin::new(
        FileLogins::new(folder),
        flow,
        Headless,
    ))
}
