//! How long a request may take, and who is told that it has failed.

use std::{pin::Pin, time::Duration};

use propusk::layer::{Course, TimeLimit};
use rmcp::{RoleServer, model::ErrorData, service::RequestContext};
use tokio::time::sleep;

use super::errors;

type Context = RequestContext<RoleServer>;

/// What is done for a request.
///
/// Boxed: it is deep inside of the services around it, and their types would get too long.
pub(super) type Within<'a, T> = Pin<Box<dyn Future<Output = Result<T, ErrorData>> + Send + 'a>>;

/// Does something for a request, as long as its client waits and the rules allow. What fails on this
/// side of the client is told to whoever counts failures.
pub(super) fn within<'a, T: 'a>(
    context: &'a Context,
    work: impl Future<Output = Result<T, ErrorData>> + Send + 'a,
) -> Within<'a, T> {
    Box::pin(async move {
        let done = tokio::select! {
            biased;
            () = context.ct.cancelled() => Err(errors::cancelled()),
            done = work => done,
            limit = at_most(time_limit(context)) => Err(errors::too_slow(limit)),
        };
        done.inspect_err(|error| failed(context, error))
    })
}

/// Tells of an error, if it is no answer of the child.
pub(super) fn failed(context: &Context, error: &ErrorData) {
    let course = extension::<Course>(context);
    if let Some(course) = course.filter(|_| errors::is_failure(error)) {
        course.fail();
    }
}

/// What the layer has put into the request.
pub(super) fn extension<T: Send + Sync + 'static>(context: &Context) -> Option<&T> {
    let parts = context.extensions.get::<http::request::Parts>()?;
    parts.extensions.get::<T>()
}

/// How long the rules allow this request to take.
fn time_limit(context: &Context) -> Option<Duration> {
    Some(extension::<TimeLimit>(context)?.0)
}

/// Comes back, with the limit, when the time is over; never without one.
async fn at_most(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            sleep(limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}
