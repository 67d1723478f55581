//! Addresses of engines, as `DOCKER_HOST` and `--host` have them.

use std::fmt;
use std::path::PathBuf;

use url::Url;

/// The port of `tcp://host`, as in Docker's own client (docker/cli `opts/hosts.go`).
const PORT: u16 = 2375;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// `unix:///path`
    Socket(PathBuf),
    /// `tcp://host:port` or `http://host:port`: the host and the port.
    Network(String),
}

impl Address {
    /// Reads an address, or says what is wrong with it and what to write instead.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Socket(path.into())),
            Some(("unix", _)) => {
                Err("the path of the socket must be absolute, as in unix:///var/run/docker.sock".into())
            }
            Some(("tcp" | "http", _)) => network(text),
            Some(("https", rest)) => Err(no_tls(rest)),
            Some(("ssh", host)) => Err(format!("ssh is not supported; {}", forwarded(host))),
            _ => Err("write unix:///path or tcp://host:port".into()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix://{}", path.display()),
            Self::Network(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Says that an engine at `host` cannot be reached by TLS, and how it can.
pub(super) fn no_tls(host: &str) -> String {
    let host = host.split(['/', ':']).next().unwrap_or_default();
    format!("TLS is not supported; {}", forwarded(host))
}

fn forwarded(host: &str) -> String {
    format!(
        "forward the socket with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock {host}`, and write \
         unix:///tmp/docker.sock"
    )
}

fn network(text: &str) -> Result<Address, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err("it names no host; write tcp://host:port".into());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an engine has no users; write tcp://host:port".into());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("nothing comes after the port; write tcp://host:port".into());
    }
    Ok(Address::Network(format!("{host}:{}", url.port_or_known_default().unwrap_or(PORT))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_socket_or_a_host_with_a_port() {
        let shown = |text| Address::parse(text).map_or_else(|reason| reason, |address| address.to_string());
        let addresses = [
            "unix:///var/run/docker.sock",
            "tcp://manager",
            "tcp://manager:80/",
            "http://manager",
            "http://10.0.0.1:2375",
            "tcp://[::1]:2375",
            "docker.sock",
            "unix://docker.sock",
            "tcp://",
            "tcp://[::1",
            "tcp://host:port",
            "tcp://ci:hunter2@host",
            "tcp://host:2375/docker",
            "https://host:2376",
            "ssh://root@host",
            "npipe:////./pipe/docker_engine",
        ];
        insta::assert_snapshot!(addresses.map(|text| format!("{text}: {}", shown(text))).join("\n"), @r"
        unix:///var/run/docker.sock: unix:///var/run/docker.sock
        tcp://manager: tcp://manager:2375
        tcp://manager:80/: tcp://manager:80
        http://manager: tcp://manager:80
        http://10.0.0.1:2375: tcp://10.0.0.1:2375
        tcp://[::1]:2375: tcp://[::1]:2375
        docker.sock: write unix:///path or tcp://host:port
        unix://docker.sock: the path of the socket must be absolute, as in unix:///var/run/docker.sock
        tcp://: it names no host; write tcp://host:port
        tcp://[::1: invalid IPv6 address
        tcp://host:port: invalid port number
        tcp://ci:hunter2@host: an engine has no users; write tcp://host:port
        tcp://host:2375/docker: nothing comes after the port; write tcp://host:port
        https://host:2376: TLS is not supported; forward the socket with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock host`, and write unix:///tmp/docker.sock
        ssh://root@host: ssh is not supported; forward the socket with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock root@host`, and write unix:///tmp/docker.sock
        npipe:////./pipe/docker_engine: write unix:///path or tcp://host:port
        ");
    }
}
