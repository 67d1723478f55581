use std::fs;

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sops");
const PASSWORD: &str = include_str!("../../tests/sops/encrypted/password.yaml");

fn keys() -> Keys {
    Keys::parse(&fs::read_to_string(format!("{FOLDER}/key.txt")).unwrap().into()).unwrap()
}

fn read(name: &str, text: &str) -> Result<Document, Error> {
    Document::read(&name.parse().unwrap(), text.as_bytes()).map(|document| document.expect("it is encrypted"))
}

fn decrypted(name: &str, text: &str, key: &[&str]) -> Result<String, Error> {
    let key: Vec<String> = key.iter().map(ToString::to_string).collect();
    let plain = read(name, text)?.decrypt(&keys(), &key)?;
    Ok(String::from_utf8_lossy(plain.expose().unwrap()).into_owned())
}

fn fixture(name: &str) -> String {
    fs::read_to_string(format!("{FOLDER}/encrypted/{name}")).unwrap()
}

fn one(name: &str, key: &[&str]) -> String {
    decrypted(name, &fixture(name), key).unwrap_or_else(|error| error.to_string())
}

/// What is wrong with a file that was encrypted well and then changed.
fn refused(name: &str, text: &str) -> String {
    let error = decrypted(name, text, &[]).unwrap_err();
    let told = format!("it {error}; {}", error.help());
    assert!(!told.contains("hunter2"), "{told}");
    told
}

#[test]
fn what_the_real_one_encrypted_comes_out_as_it_decrypts_it() {
    insta::assert_snapshot!(one("all.yaml", &[]), @r#"
    # Everything that a file can hold.
    # The database
    database:
        # of the shop
        user: shop
        # change it
        password: hunter2-plain
        port: 5432
        ratio: 0.25
        tls: true
        since: 2024-01-02T00:00:00Z
        nothing: null
        empty: ""
        "yes": "yes"
        hosts:
            - db1
            # the second one
            - name: db2
              weight: 2
              # end of the database
    certificate: |
        -----BEGIN CERTIFICATE-----
        plain+certificate
        -----END CERTIFICATE-----
    port_unencrypted: 8080
    lists:
        empty: []
        map: {}
    "#);
    insta::assert_snapshot!(one("some.yaml", &[]), @"
    name: shop
    password: hunter2-plain
    nested:
        api_password: plain-api
        host: example.com
    ");
    insta::assert_snapshot!(one("values.json", &[]), @r#"
    {
    	"password": "hunter2-plain",
    	"port": 5432,
    	"ratio": 1.5,
    	"on": true,
    	"off": null,
    	"list": [
    		1,
    		"two",
    		{
    			"\u003ca\u003e": "b\u0026c"
    		}
    	],
    	"empty": {}
    }
    "#);
    insta::assert_snapshot!(one("app.env", &[]), @r#"
    # of the app
    PASSWORD=hunter2-plain
    QUOTED="two words"
    KEY=line one\nline two
    EMPTY=
    "#);
    insta::assert_snapshot!(one("app.ini", &[]), @"
    ; of the app
    name = shop

    [database]
    ; secret
    password    = hunter2-plain
    longer_name = a b
    ");
    let plain = read("token.bin", &fixture("token.bin")).unwrap().decrypt(&keys(), &[]).unwrap();
    assert_eq!(plain.expose().unwrap(), b"hunter2-plain\0\xff\n");
}

#[test]
fn one_value_can_be_taken() {
    assert_eq!(one("password.yaml", &["password"]), "hunter2-plain");
    assert_eq!(one("all.yaml", &["database", "hosts", "1", "name"]), "db2");
    assert_eq!(one("all.yaml", &["database", "port"]), "5432");
    assert_eq!(one("all.yaml", &["database", "tls"]), "true");
    assert_eq!(one("all.yaml", &["certificate"]).lines().count(), 3);
    assert_eq!(one("values.json", &["list", "2", "<a>"]), "b&c");
    assert_eq!(one("app.env", &["KEY"]), "line one\nline two");
    assert_eq!(one("app.ini", &["database", "password"]), "hunter2-plain");
    insta::assert_snapshot!(one("all.yaml", &["database", "pasword"]), @"has no value `database.pasword`");
    insta::assert_snapshot!(one("all.yaml", &["database"]), @"has a map at `database`, and one value is needed");
    insta::assert_snapshot!(one("all.yaml", &["database", "nothing"]), @"has nothing at `database.nothing`, and one value is needed");
}

#[test]
fn a_file_that_was_tampered_with_is_refused() {
    let some = fixture("some.yaml");
    let all = fixture("all.yaml");
    let json = fixture("values.json");
    let moved = some.replacen("password:", "passwords:", 1);
    insta::assert_snapshot!(refused("a.yaml", &moved), @"it was changed after it was encrypted: the value of `passwords` does not fit its seal; restore the file from before the change, and edit it with `sops edit`");
    let line = PASSWORD.lines().next().unwrap();
    let other = some.lines().find(|line| line.starts_with("password")).unwrap();
    insta::assert_snapshot!(refused("a.yaml", &PASSWORD.replace(line, other)), @"it was changed after it was encrypted: the value of `password` does not fit its seal; restore the file from before the change, and edit it with `sops edit`");
    insta::assert_snapshot!(refused("a.yaml", &PASSWORD.replace(line, "password: plain")), @"it was changed after it was encrypted: the value of `password` does not fit its seal; restore the file from before the change, and edit it with `sops edit`");
    insta::assert_snapshot!(refused("a.yaml", &all.replace("8080", "8081")), @"it was changed after it was encrypted: it does not have the checksum that SOPS sealed; restore the file from before the change, and edit it with `sops edit`");
    insta::assert_snapshot!(refused("a.json", &json.replace("null", "0")), @"it was changed after it was encrypted: the value of `off` does not fit its seal; restore the file from before the change, and edit it with `sops edit`");
    let mac = PASSWORD.lines().find(|line| line.contains("mac:")).unwrap();
    insta::assert_snapshot!(refused("a.yaml", &PASSWORD.replace(mac, "")), @"it was changed after it was encrypted: it does not have the checksum that SOPS sealed; restore the file from before the change, and edit it with `sops edit`");
    insta::assert_snapshot!(refused("a.yaml", &PASSWORD.replace(mac, "    mac: \"\"")), @"it was changed after it was encrypted: it does not have the checksum that SOPS sealed; restore the file from before the change, and edit it with `sops edit`");
    insta::assert_snapshot!(refused("a.yaml", &some.replace("mac_only_encrypted: true", "mac_only_encrypted: false")), @"it was changed after it was encrypted: it does not have the checksum that SOPS sealed; restore the file from before the change, and edit it with `sops edit`");
    // What is left open by `mac_only_encrypted` can be changed: that is what it is for.
    assert!(decrypted("a.yaml", &some.replace("example.com", "example.org"), &[]).unwrap().contains("example.org"));
}

#[test]
fn who_cannot_decrypt_it_is_told_what_is_missing() {
    let other = Keys::parse(&age::x25519::Identity::generate().to_string()).unwrap();
    let error = read("a.yaml", PASSWORD).unwrap().decrypt(&other, &[]).unwrap_err();
    let own = other.recipients().remove(0);
    insta::assert_snapshot!(error.to_string().replace(&own, "OWN"), @"is encrypted for age19x49unnx6q6ats43hcuax9pxw6fnzdhd03qut526h3y4qnzl53wsjs6fka, and skep has the key of OWN");
    let error = read("a.yaml", PASSWORD).unwrap().decrypt(&Keys::default(), &[]).unwrap_err();
    insta::assert_snapshot!(format!("it {error}; {}", error.help()), @"it is encrypted, and skep has no age key to decrypt it; set `sops.age_key_file` in skep's settings, or SOPS_AGE_KEY_FILE");
    insta::assert_snapshot!(refused("a.yaml", &fixture("groups.yaml")), @"it is encrypted for several key groups at once, and skep does not put a key together from shares; encrypt it for one group of age recipients, without `key_groups` and `shamir_threshold`");
    let pgp = PASSWORD.replace("    age:", "    pgp:").replace("recipient:", "fp:");
    insta::assert_snapshot!(refused("a.yaml", &pgp), @"it can be decrypted with PGP only, and skep has keys for age only; add skep's age recipient: `sops rotate --in-place --add-age RECIPIENT FILE`");
    let (before, _) = PASSWORD.split_once("sops:").unwrap();
    insta::assert_snapshot!(refused("a.yaml", before), @"it has encrypted values, but not the `sops` section that is needed to decrypt them; take the file as it was after `sops --encrypt`, and change it with `sops edit` only");
    insta::assert_snapshot!(refused("a.yaml", &format!("{PASSWORD}\n<<<<<<< HEAD\n")), @"it was encrypted with SOPS, and cannot be read any more: line 18: it is no YAML from here on; take the file as it was after `sops --encrypt`, and change it with `sops edit` only");
    insta::assert_snapshot!(refused("a.json", &fixture("values.json").replace('}', "")), @"it was encrypted with SOPS, and cannot be read any more: line 13: it is no JSON from column 2 on; take the file as it was after `sops --encrypt`, and change it with `sops edit` only");
    insta::assert_snapshot!(refused("a.yaml", &PASSWORD.replace("    unencrypted_suffix", "    encrypted_regex: a\n    unencrypted_suffix")), @"it was encrypted with SOPS, but its `sops` section is broken: it has two rules about which values are encrypted; take the file as it was after `sops --encrypt`, and change it with `sops edit` only");
}

#[test]
fn several_keys_may_be_there() {
    let file = fs::read_to_string(format!("{FOLDER}/key.txt")).unwrap();
    let text = format!("# another one\n{}\n\n{file}", {
        use secrecy::ExposeSecret as _;
        age::x25519::Identity::generate().to_string().expose_secret().to_owned()
    });
    let keys = Keys::parse(&text.into()).unwrap();
    assert_eq!(keys.recipients().len(), 2);
    assert!(read("a.yaml", PASSWORD).unwrap().decrypt(&keys, &[]).is_ok());
    insta::assert_snapshot!(Keys::parse(&"# a\nAGE-SECRET-KEY-1X\n".to_owned().into()).unwrap_err(), @"line 2 is no age key (AGE-SECRET-KEY-1…), as `age-keygen` writes it");
    assert_eq!(format!("{keys:?}"), "Keys(2)");
}

#[test]
fn what_is_not_encrypted_is_left_alone() {
    let is_one = |name: &str, text: &[u8]| Document::read(&name.parse().unwrap(), text).unwrap().is_some();
    assert!(!is_one("a.yaml", b"password: hunter2\nsops: {}\n"));
    assert!(!is_one("a.txt", b"see ENC[AES256_GCM,data:x] in the manual"));
    assert!(!is_one("a.bin", b"\xff\xfeENC[AES256_GCM,data:"));
}

#[test]
fn the_digits_follow_the_cipher_text_and_not_the_recipients() {
    let digits = |text: &str, key: &[&str]| {
        let key: Vec<String> = key.iter().map(ToString::to_string).collect();
        read("a.yaml", text).unwrap().digits(&key).unwrap()
    };
    let all = fixture("all.yaml");
    assert_eq!(digits(&all, &[]), digits(&all.replace("lastmodified: \"2", "lastmodified: \"3"), &[]));
    assert_ne!(digits(&all, &[]), digits(&all.replace("8080", "8081"), &[]));
    assert_eq!(digits(&all, &["database", "user"]), digits(&all.replace("8080", "8081"), &["database", "user"]));
    assert_ne!(digits(&all, &["database", "user"]), digits(&all, &["database", "password"]));
    let of_plain_text = hex::encode(Sha256::digest("password: hunter2-plain\n"));
    assert!(!of_plain_text.starts_with(&digits(PASSWORD, &[])));
}

#[test]
fn nothing_of_it_is_shown() {
    let document = read("a.yaml", &fixture("some.yaml")).unwrap();
    let shown = format!("{document:?} {:?}", document.branches);
    assert!(!shown.contains("shop") && !shown.contains("example.com"), "{shown}");
}
