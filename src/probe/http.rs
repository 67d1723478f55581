//! HTTP checks.

use std::error::Error as _;

use reqwest::header::LOCATION;
use reqwest::{Client, Response, Url, redirect};

use super::Prober;
use crate::engine::container_output;
use crate::health::Reply;
use crate::stack::check::HttpProbe;

/// The most bytes read of a response.
const MAX_BODY: usize = 256 << 10;
/// The most redirects that are followed.
const REDIRECTS: usize = 5;

impl Prober {
    /// Sends a request, and follows redirects to the same host, unless a redirect is expected. The host's
    /// name is resolved once for all requests.
    pub(super) async fn get(&self, probe: &HttpProbe) -> Reply {
        match self.try_get(probe).await {
            Ok(reply) | Err(reply) => reply,
        }
    }

    async fn try_get(&self, probe: &HttpProbe) -> Result<Reply, Reply> {
        let mut url = Url::parse(&probe.url).map_err(|error| Reply::Nothing(error.to_string()))?;
        let client = self.client(&url).await?;
        for _ in 0..REDIRECTS {
            let answer = client.get(url.clone()).send().await.map_err(|error| Reply::Nothing(innermost(&error)))?;
            match next(&url, &answer).filter(|_| !probe.expect.is_redirect()) {
                Some(next) => url = next,
                None => return Ok(reply(answer).await),
            }
        }
        Err(Reply::Nothing(format!("more than {REDIRECTS} redirects")))
    }

    /// A client for the host of this address, bound to the addresses resolved now.
    async fn client(&self, url: &Url) -> Result<Client, Reply> {
        let host = url.host_str().ok_or_else(|| Reply::Nothing(format!("`{url}` has no host")))?;
        // Port 0 means the port of the request.
        let found = self.addresses(host.trim_matches(['[', ']']), 0).await?;
        let name = concat!("skep/", env!("CARGO_PKG_VERSION"));
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).user_agent(name);
        client.resolve_to_addrs(host, &found).build().map_err(|error| Reply::Nothing(error.to_string()))
    }
}

/// The target of a redirect to the same host.
fn next(url: &Url, answer: &Response) -> Option<Url> {
    let next = answer.status().is_redirection().then(|| location(answer)).flatten()?;
    let next = url.join(&next).ok()?;
    (next.host() == url.host() && matches!(next.scheme(), "http" | "https")).then_some(next)
}

fn location(answer: &Response) -> Option<String> {
    Some(answer.headers().get(LOCATION)?.to_str().ok()?.to_owned())
}

async fn reply(mut answer: Response) -> Reply {
    let (status, location) = (answer.status().as_u16(), location(&answer).map(|text| container_output::clean(&text)));
    let mut body = Vec::new();
    while body.len() < MAX_BODY {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Reply::Nothing(format!("status {status}, and then: {}", innermost(&error))),
        }
    }
    body.truncate(MAX_BODY);
    Reply::Http { status, location, body: String::from_utf8_lossy(&body).into_owned() }
}

/// The innermost cause of an error; reqwest shows only the outermost.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.source().is_none() { error.to_string() } else { innermost.to_string() }
}
