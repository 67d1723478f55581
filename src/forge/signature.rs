//! Signed webhooks, as the Standard Webhooks specification has them and GitLab's signing tokens use them.
//!
//! The signature is an HMAC-SHA256 over `<id>.<timestamp>.<body>`; the secret is `whsec_` and its key in Base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::proof::{Refused, text};

/// The header with the message's id.
const ID: &str = "webhook-id";
/// The header with the time of the message, in seconds.
const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures.
const SIGNATURE: &str = "webhook-signature";

/// What a signed webhook says in its headers; empty where there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature<'a> {
    /// The message's id.
    id: &'a str,
    /// The time of the message, in seconds.
    timestamp: &'a str,
    /// `v1,<Base64>`, several with spaces between them while a secret is replaced.
    signatures: &'a str,
}

impl<'a> Signature<'a> {
    /// Reads the headers; `None` if a message is not signed.
    pub(super) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let is_signed = headers.contains_key(SIGNATURE);
        is_signed.then(|| Self {
            id: text(headers, ID),
            timestamp: text(headers, TIMESTAMP),
            signatures: text(headers, SIGNATURE),
        })
    }

    /// The id, which is signed.
    pub(super) fn id(&self) -> &'a str {
        self.id
    }
}

/// How far the sender's clock and ours may be apart.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// Signatures that are looked at.
const MAX_SIGNATURES: usize = 8;

/// Checks the signature of a webhook. Secrets without `whsec_` before them are tokens and sign nothing.
pub(super) fn verify(
    given: &Signature<'_>,
    body: &[u8],
    secrets: &[SecretString],
    now: Timestamp,
) -> Result<(), Refused> {
    let sent = given.timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let sent = sent.ok_or(Refused::Signature)?;
    if now.duration_since(sent).abs() > TOLERANCE {
        return Err(Refused::Stale);
    }
    let signed = |mac: &Hmac<Sha256>| signatures(given).any(|signature| mac.clone().verify_slice(&signature).is_ok());
    let mut macs = secrets.iter().filter_map(|secret| mac(secret, given, body));
    if macs.any(|mac| signed(&mac)) { Ok(()) } else { Err(Refused::Signature) }
}

fn signatures<'a>(given: &Signature<'a>) -> impl Iterator<Item = Vec<u8>> + 'a {
    let encoded = given.signatures.split(' ').take(MAX_SIGNATURES).filter_map(|one| one.strip_prefix("v1,"));
    encoded.filter_map(|one| BASE64_STANDARD.decode(one).ok())
}

fn mac(secret: &SecretString, given: &Signature<'_>, body: &[u8]) -> Option<Hmac<Sha256>> {
    let key = BASE64_STANDARD.decode(secret.expose_secret().strip_prefix("whsec_")?).ok()?;
    let mac = Hmac::<Sha256>::new_from_slice(&key).ok().filter(|_| !key.is_empty())?;
    Some(mac.chain_update(format!("{}.{}.", given.id, given.timestamp)).chain_update(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    /// The example of the specification's reference libraries.
    const GIVEN: Signature<'static> = Signature {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signatures: "v2,AAAA v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_614_265_330 + seconds).unwrap()
    }

    #[test]
    fn a_right_signature_is_believed_for_five_minutes() {
        let secrets = ["token".into(), "whsec_b2xk".into(), SECRET.into()];
        assert_eq!(verify(&GIVEN, BODY, &secrets, at(0)), Ok(()));
        assert_eq!(verify(&GIVEN, BODY, &secrets, at(300)), Ok(()));
        assert_eq!(verify(&GIVEN, BODY, &secrets, at(301)), Err(Refused::Stale));
        assert_eq!(verify(&GIVEN, BODY, &secrets, at(-301)), Err(Refused::Stale));
    }

    #[test]
    fn anything_else_is_not() {
        let secrets = [SECRET.into()];
        let wrong = Err(Refused::Signature);
        assert_eq!(verify(&GIVEN, b"{}", &secrets, at(0)), wrong);
        assert_eq!(verify(&GIVEN, BODY, &["whsec_".into(), "".into(), "whsec_?".into()], at(0)), wrong);
        assert_eq!(verify(&Signature { id: "other", ..GIVEN }, BODY, &secrets, at(0)), wrong);
        assert_eq!(verify(&Signature { timestamp: "", ..GIVEN }, BODY, &secrets, at(0)), wrong);
        assert_eq!(verify(&Signature { signatures: "v1,", ..GIVEN }, BODY, &secrets, at(0)), wrong);
    }
}
