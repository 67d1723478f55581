//! Verification of webhooks. All comparisons take constant time. An empty secret, such as from an unset variable, is
//! never valid.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Why a webhook is not authentic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The token is not one of the secrets.
    #[error(
        "the secret token is missing or wrong; set the same one in the webhook at the forge and in skep's settings"
    )]
    Token,
    /// There is no signature.
    #[error("there is no signature; set a secret in the webhook at the forge, the same one as in skep's settings")]
    Unsigned,
    /// No signature matches one of the secrets.
    #[error("the signature is wrong; set the same secret in the webhook at the forge and in skep's settings")]
    Signature,
    /// It may be a replay.
    #[error("the signature is older or newer than five minutes; check the clocks of the forge and of this node")]
    Stale,
}

/// Whether a token that was given is one of the secrets; several may be valid while one is replaced by another.
pub fn is_one_of(given: &[u8], secrets: &[SecretString]) -> bool {
    let given_hash = Sha256::digest(given);
    let matches = secrets.iter().fold(subtle::Choice::from(0), |found, secret| {
        let secret = secret.expose_secret().as_bytes();
        let usable = subtle::Choice::from(u8::from(!secret.is_empty()));
        found | (Sha256::digest(secret).ct_eq(&given_hash) & usable)
    });
    matches.into()
}

/// Whether `signature` is the HMAC-SHA256 of a body by one of the secrets.
pub(super) fn is_signed(signature: &[u8], body: &[u8], secrets: &[SecretString]) -> bool {
    let usable = secrets.iter().filter(|secret| !secret.expose_secret().is_empty());
    let verifies = |secret: &SecretString| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok();
        mac.is_some_and(|mac| mac.chain_update(body).verify_slice(signature).is_ok())
    };
    // Every secret is tried, so that the time does not reveal which one matched.
    usable.fold(false, |found, secret| verifies(secret) | found)
}

/// The 32 bytes that a signature in hexadecimal digits has.
pub(super) fn digits(text: &str) -> Result<Vec<u8>, Refused> {
    match hex::decode(text) {
        _ if text.is_empty() => Err(Refused::Unsigned),
        Ok(bytes) if bytes.len() == 32 => Ok(bytes),
        _ => Err(Refused::Signature),
    }
}

/// The text of a header; empty if there is none.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_that_is_set_opens() {
        let secrets = ["".into(), "old".into(), "new".into()];
        let given: [(&[u8], bool); 5] =
            [(b"old", true), (b"new", true), (b"", false), (b"ne", false), (b"newer", false)];
        assert!(given.into_iter().all(|(given, expected)| is_one_of(given, &secrets) == expected));
        assert!(!is_one_of(b"", &[]));
    }

    #[test]
    fn a_body_is_signed_by_one_of_the_secrets() {
        // RFC 4231, test case 2.
        let body = b"what do ya want for nothing?";
        let signature = digits("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        assert!(is_signed(&signature, body, &["".into(), "other".into(), "Jefe".into()]));
        assert!(!is_signed(&signature, body, &["".into(), "other".into()]) && !is_signed(&signature, body, &[]));
        assert!(!is_signed(&signature[..31], body, &["Jefe".into()]) && !is_signed(&signature, b"", &["Jefe".into()]));
        // By an empty key: "" and "" of an unset secret would agree.
        let by_nobody = digits("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad").unwrap();
        assert!(!is_signed(&by_nobody, b"", &["".into()]));
        assert_eq!(digits(""), Err(Refused::Unsigned));
        assert_eq!(["é", "00", "zz"].map(|text| digits(text).is_err()), [true; 3]);
    }
}
