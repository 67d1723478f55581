//! One sealed value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use aes_gcm::aead::consts::U32;
use aes_gcm::aes::Aes256;
use aes_gcm::{AeadInPlace as _, AesGcm, KeyInit as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::zeroize::Zeroizing;

use super::keys::DataKey;
use super::tree::{Comment, Text, Value};

/// The cipher of SOPS: AES-256 in GCM with a nonce of 32 bytes.
type Cipher = AesGcm<Aes256, U32>;

/// Decrypts a sealed text; `None` unless it is authentic at `place`.
pub(super) fn open(sealed: &[u8], key: &DataKey, place: &str) -> Option<Value> {
    if sealed.is_empty() {
        return Some(Value::text(""));
    }
    let sealed = std::str::from_utf8(sealed).ok()?;
    let rest = sealed.strip_prefix("ENC[AES256_GCM,data:")?.strip_suffix(']')?;
    let (data, rest) = rest.split_once(",iv:")?;
    let (iv, rest) = rest.split_once(",tag:")?;
    let (tag, kind) = rest.split_once(",type:")?;
    let mut text = Zeroizing::new(STANDARD.decode(data).ok()?);
    let nonce: [u8; 32] = STANDARD.decode(iv).ok()?.try_into().ok()?;
    let tag: [u8; 16] = STANDARD.decode(tag).ok()?.try_into().ok()?;
    let cipher = Cipher::new_from_slice(key.as_slice()).ok()?;
    cipher.decrypt_in_place_detached(&nonce.into(), place.as_bytes(), &mut text, &tag.into()).ok()?;
    typed(text, kind)
}

fn typed(text: Text, kind: &str) -> Option<Value> {
    let word = || std::str::from_utf8(&text).ok();
    Some(match kind {
        "int" => Value::Int(word()?.parse().ok()?),
        "float" => Value::Float(float(word()?)?),
        "bool" => Value::Bool(truth(word()?)?),
        "str" | "bytes" => Value::Text(text),
        "time" => Value::Time(text),
        "comment" => Value::Comment(Comment { text, inline: false }),
        _ => return None,
    })
}

fn float(word: &str) -> Option<f64> {
    match word {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        word => word.parse().ok(),
    }
}

/// The words that Go's `strconv.ParseBool` accepts.
pub(super) fn truth(word: &str) -> Option<bool> {
    match word {
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Some(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}
