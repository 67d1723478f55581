//! HTTP, as a browser, GitLab and a load balancer speak it.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::Runtime;

/// Where asynchronous work of the tests is done.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).pool_max_idle_per_host(0).build().unwrap()
});

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

pub(crate) fn get(url: &str) -> Result<Answer, reqwest::Error> {
    send(CLIENT.get(url))
}

/// Posts a body with these headers.
pub(crate) fn post(url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Answer, reqwest::Error> {
    send(headers.iter().fold(CLIENT.post(url), |request, (name, value)| request.header(*name, *value)).body(body))
}

fn send(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    RUNTIME.block_on(async {
        let answer = request.send().await?;
        Ok(Answer { status: answer.status().as_u16(), body: answer.text().await? })
    })
}
