//! A request over HTTP.

use std::error::Error as _;

use reqwest::header::LOCATION;
use reqwest::{Client, Response, Url, redirect};

use crate::engine::written;
use crate::health::Reply;
use crate::stack::check::HttpProbe;

/// How much of an answer is read, in bytes.
const MAX_BODY: usize = 256 << 10;
/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// Sends a request, and follows where the same host leads it, unless it is a redirect that is waited for.
pub(super) async fn get(probe: &HttpProbe) -> Reply {
    let (client, mut url) = match (client(), Url::parse(&probe.url)) {
        (Ok(client), Ok(url)) => (client, url),
        (Err(error), _) => return Reply::Nothing(error.to_string()),
        (_, Err(error)) => return Reply::Nothing(error.to_string()),
    };
    for _ in 0..REDIRECTS {
        let answer = match client.get(url.clone()).send().await {
            Ok(answer) => answer,
            Err(error) => return nothing(&url, &error),
        };
        match next(&url, &answer).filter(|_| !probe.expect.is_redirect()) {
            Some(next) => url = next,
            None => return reply(answer).await,
        }
    }
    Reply::Nothing(format!("more than {REDIRECTS} redirects"))
}

fn client() -> reqwest::Result<Client> {
    let name = concat!("skep/", env!("CARGO_PKG_VERSION"));
    Client::builder().no_proxy().redirect(redirect::Policy::none()).user_agent(name).build()
}

/// Where an answer leads on the same host.
fn next(url: &Url, answer: &Response) -> Option<Url> {
    let next = answer.status().is_redirection().then(|| location(answer)).flatten()?;
    let next = url.join(&next).ok()?;
    (next.host() == url.host() && matches!(next.scheme(), "http" | "https")).then_some(next)
}

fn location(answer: &Response) -> Option<String> {
    Some(answer.headers().get(LOCATION)?.to_str().ok()?.to_owned())
}

async fn reply(mut answer: Response) -> Reply {
    let (status, location) = (answer.status().as_u16(), location(&answer).map(|text| written::clean(&text)));
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

fn nothing(url: &Url, error: &reqwest::Error) -> Reply {
    let reason = innermost(error);
    match url.host_str() {
        Some(host) if reason.contains("failed to lookup address") => Reply::NoSuchHost(host.to_owned()),
        _ => Reply::Nothing(reason),
    }
}

/// What caused an error; reqwest says only the outermost by itself.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.source().is_none() { error.to_string() } else { innermost.to_string() }
}
