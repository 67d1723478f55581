//! Webhooks of every kind: believed, read, refused.

use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;

const AFTER: &str = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7";
const SECRET: &str = "hook";
/// A signing token of the Standard Webhooks specification.
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: i64 = 1_614_265_330;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&str, &str)| (name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap());
    pairs.iter().map(pair).collect()
}

fn hmac(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}

/// A webhook of an event as a forge of this kind sends it who knows this secret.
fn sent(forge: Forge, event: &str, secret: &str, body: &[u8]) -> HeaderMap {
    let signature = hmac(secret, body);
    match forge {
        Forge::GitLab => headers(&[("X-Gitlab-Event", event), ("X-Gitlab-Token", secret)]),
        Forge::GitHub => headers(&[("X-GitHub-Event", event), ("X-Hub-Signature-256", &format!("sha256={signature}"))]),
        Forge::Gitea => headers(&[
            ("X-Gitea-Event", event),
            ("X-Gitea-Signature", &signature),
            ("X-GitHub-Event", event),
            ("X-Hub-Signature-256", &format!("sha256={signature}")),
        ]),
    }
}

fn push_event(forge: Forge) -> &'static str {
    if forge == Forge::GitLab { "Push Hook" } else { "push" }
}

/// A push as each kind of forge has it, with an address in it that is not to be used.
fn push(forge: Forge, full_name: &str, after: &str) -> Vec<u8> {
    let body = match forge {
        Forge::GitLab => json!({ "object_kind": if full_name.contains("/tags/") { "tag_push" } else { "push" },
            "ref": full_name, "after": after, "user_username": "ada",
            "project": { "path_with_namespace": "team/shop", "git_http_url": "http://evil.example" } }),
        Forge::GitHub => json!({ "ref": full_name, "after": after, "deleted": after.starts_with("000"),
            "repository": { "full_name": "team/shop", "clone_url": "http://evil.example" }, "pusher": { "name": "ada" } }),
        Forge::Gitea => json!({ "ref": full_name, "after": after, "pusher": { "login": "ada", "username": "ada" },
            "repository": { "full_name": "team/shop", "clone_url": "http://evil.example" } }),
    };
    body.to_string().into_bytes()
}

/// What becomes of a genuine webhook.
fn received(forge: Forge, event: &str, body: &[u8]) -> Result<Notice, Rejected> {
    forge.receive(&sent(forge, event, SECRET, body), body, &["".into(), "old".into(), SECRET.into()], now())
}

#[test]
fn a_push_of_any_forge_is_read() {
    for forge in Forge::ALL.iter().copied() {
        let read = |full_name: &str, after: &str| received(forge, push_event(forge), &push(forge, full_name, after));
        let pushed = |reference, commit: Option<&str>| {
            let (project, pusher) = ("team/shop".to_owned(), "ada".to_owned());
            Ok(Notice::Pushed(Pushed { project, reference, commit: commit.map(|it| it.parse().unwrap()), pusher }))
        };
        let branch = |name: &str| Reference::Branch(name.into());
        assert_eq!(read("refs/heads/a/b", AFTER), pushed(branch("a/b"), Some(AFTER)), "{forge:?}");
        assert_eq!(read("refs/heads/gone", &"0".repeat(40)), pushed(branch("gone"), None), "{forge:?}");
        assert_eq!(read("refs/tags/v1", AFTER), pushed(Reference::Tag("v1".into()), Some(AFTER)), "{forge:?}");
        assert!(matches!(read("refs/merge-requests/1", AFTER), Ok(Notice::Other(_))), "{forge:?}");
    }
}

#[test]
fn other_events_have_a_sentence() {
    let ignored = [
        (Forge::GitLab, "Merge Request Hook", &b"anything"[..]),
        (Forge::GitLab, "System Hook", br#"{"event_name": "project_create"}"#),
        (Forge::GitLab, "", b"{}"),
        (Forge::GitHub, "issues", b"{}"),
        (Forge::GitHub, "ping", br#"{"zen": "Keep it logically awesome."}"#),
        (Forge::Gitea, "create", b"{}"),
    ];
    let shown = ignored.map(|(forge, event, body)| format!("{:?}", received(forge, event, body).unwrap()));
    insta::assert_snapshot!(shown.join("\n"), @r#"
    Other("the event `Merge Request Hook`")
    Other("the event `project_create`")
    Other("a request without an event")
    Other("the event `issues`")
    Ping
    Other("the event `create`")
    "#);
}

#[test]
fn a_body_that_is_not_understood_has_a_reason() {
    let reason = |forge: Forge, body: &[u8]| match received(forge, push_event(forge), body) {
        Ok(notice) => format!("{notice:?}"),
        Err(rejected) => rejected.to_string(),
    };
    let bodies =
        |forge| [b"{".to_vec(), b"[]".to_vec(), b"{\"ref\": 1}".to_vec(), push(forge, "refs/heads/main", "HEAD")];
    let shown = Forge::ALL.iter().flat_map(|forge| bodies(*forge).map(|body| reason(*forge, &body)));
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    this is not a push event of GitLab: EOF while parsing an object at line 1 column 1
    this is not a push event of GitLab: invalid length 0, expected struct Named with 2 elements at line 1 column 2
    Other("the event `Push Hook`")
    this is not a push event of GitLab: `HEAD` is not a commit id: expected 40 hexadecimal digits
    this is not a push event of GitHub: EOF while parsing an object at line 1 column 1
    this is not a push event of GitHub: invalid length 0, expected struct Push with 4 elements at line 1 column 2
    this is not a push event of GitHub: invalid type: integer `1`, expected a string at line 1 column 9
    this is not a push event of GitHub: `HEAD` is not a commit id: expected 40 hexadecimal digits
    this is not a push event of Gitea: EOF while parsing an object at line 1 column 1
    this is not a push event of Gitea: invalid length 0, expected struct Push with 4 elements at line 1 column 2
    this is not a push event of Gitea: invalid type: integer `1`, expected a string at line 1 column 9
    this is not a push event of Gitea: `HEAD` is not a commit id: expected 40 hexadecimal digits
    "#);
}

#[test]
fn only_who_knows_a_secret_is_heard() {
    let no_secrets: &[SecretString] = &["".into()];
    for forge in Forge::ALL.iter().copied() {
        let body = push(forge, "refs/heads/main", AFTER);
        let refused = |headers: &HeaderMap, body: &[u8], secrets: &[SecretString]| {
            matches!(forge.receive(headers, body, secrets, now()), Err(Rejected::Refused(_)))
        };
        let (right, secrets) = (sent(forge, push_event(forge), SECRET, &body), [SECRET.into()]);
        assert!(!refused(&right, &body, &secrets), "{forge:?}");
        assert!(refused(&sent(forge, push_event(forge), "wrong", &body), &body, &secrets), "{forge:?}: another secret");
        assert!(refused(&sent(forge, push_event(forge), "", &body), &body, no_secrets), "{forge:?}: an empty secret");
        assert!(refused(&right, &body, &[]) && refused(&right, &body, no_secrets), "{forge:?}: no secret is set");
        assert!(refused(&HeaderMap::new(), &body, &secrets), "{forge:?}: nothing proves it");
        for other in Forge::ALL.iter().copied().filter(|other| *other != forge) {
            let borrowed = sent(other, push_event(other), SECRET, &body);
            let is_superset = (forge, other) == (Forge::GitHub, Forge::Gitea);
            assert_eq!(refused(&borrowed, &body, &secrets), !is_superset, "{forge:?} with the headers of {other:?}");
        }
        if forge != Forge::GitLab {
            let mut changed = body.clone();
            changed.push(b' ');
            assert!(refused(&right, &changed, &secrets), "{forge:?}: another body");
        }
    }
}

#[test]
fn a_signature_is_whole_and_by_sha256() {
    let body = push(Forge::GitHub, "refs/heads/main", AFTER);
    let good = hmac(SECRET, &body);
    let refused = |name: &str, value: &str, forge: Forge| {
        let headers = headers(&[(name, value), ("X-GitHub-Event", "push"), ("X-Gitea-Event", "push")]);
        forge.receive(&headers, &body, &[SECRET.into()], now()).is_err()
    };
    let of_github = |value: &str| refused("X-Hub-Signature-256", value, Forge::GitHub);
    assert!(!of_github(&format!("sha256={good}")) && !of_github(&format!("sha256={}", good.to_uppercase())));
    for wrong in
        [good.clone(), format!("sha1={good}"), format!("sha256={}", &good[..62]), "sha256=".into(), "sha256".into()]
    {
        assert!(of_github(&wrong), "{wrong}");
    }
    assert!(refused("X-Hub-Signature", &format!("sha256={good}"), Forge::GitHub), "the header of SHA-1");
    assert!(!refused("X-Gitea-Signature", &good, Forge::Gitea));
    assert!(refused("X-Gitea-Signature", &format!("sha256={good}"), Forge::Gitea));
    assert!(refused("X-Hub-Signature-256", &format!("sha256={good}"), Forge::Gitea), "GitHub's header alone");
}

#[test]
fn a_form_is_verified_as_it_came_and_read_as_json() {
    for forge in [Forge::GitHub, Forge::Gitea] {
        let json = String::from_utf8(push(forge, "refs/heads/main", AFTER)).unwrap();
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
        let mut headers = sent(forge, "push", SECRET, form.as_bytes());
        headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        let read = |form: &str| forge.receive(&headers, form.as_bytes(), &[SECRET.into()], now());
        assert!(matches!(read(&form), Ok(Notice::Pushed(_))), "{forge:?}");
        assert!(matches!(read(&json), Err(Rejected::Refused(Refused::Signature))), "{forge:?}");
    }
}

#[test]
fn a_signing_token_of_gitlab_is_believed_for_five_minutes_and_no_token_stands_in_for_it() {
    let signed = |signature: &str| {
        headers(&[
            ("X-Gitlab-Event", "Push Hook"),
            ("X-Gitlab-Token", SIGNING),
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", signature),
        ])
    };
    // The example of the specification's reference libraries.
    let right = signed("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let body = br#"{"test": 2432232314}"#;
    let at = |headers: &HeaderMap, seconds: i64| {
        let now = Timestamp::from_second(NOW + seconds).unwrap();
        Forge::GitLab.receive(headers, body, &["token".into(), SIGNING.into()], now)
    };
    assert!(matches!(at(&right, 300), Ok(Notice::Other(_))));
    assert_eq!(at(&right, 301), Err(Rejected::Refused(Refused::Stale)));
    assert_eq!(at(&signed("v1,AAAA"), 0), Err(Rejected::Refused(Refused::Signature)));
}

#[test]
fn what_is_signed_is_the_mark_of_a_webhook() {
    let body = push(Forge::GitHub, "refs/heads/main", AFTER);
    let mark = |forge: Forge| forge.mark(&sent(forge, "push", SECRET, &body));
    assert_eq!(mark(Forge::GitLab), None);
    assert!(mark(Forge::GitHub).is_some() && mark(Forge::GitHub) == mark(Forge::Gitea));
    let shouted = headers(&[("X-Hub-Signature-256", &format!("sha256={}", hmac(SECRET, &body).to_uppercase()))]);
    assert_eq!(Forge::GitHub.mark(&shouted), mark(Forge::GitHub), "the same signature in other letters");
    let signed = |timestamp: &str| {
        headers(&[("webhook-id", "msg_1"), ("webhook-timestamp", timestamp), ("webhook-signature", "v1,")])
    };
    assert!(Forge::GitLab.mark(&signed("1")).is_some());
    assert_eq!(Forge::GitLab.mark(&signed("1")), Forge::GitLab.mark(&signed("2")), "tried again by the forge");
}

#[test]
fn every_kind_is_known_by_its_names() {
    assert_eq!(Forge::names(), ["gitlab", "github", "gitea", "forgejo"]);
    assert_eq!(Forge::named("forgejo"), Some(Forge::Gitea));
    assert_eq!(Forge::named("bitbucket"), None);
}

#[test]
fn the_api_of_github_has_a_host_of_its_own_and_that_of_a_server_is_a_folder() {
    let status = Status {
        commit: AFTER.parse().unwrap(),
        stack: "shop".parse().unwrap(),
        state: State::Failed,
        target_url: Some("https://shop.example.com".into()),
        description: "web: exit code 1\nrolled back".into(),
    };
    let url = |base: &str| {
        let project = Project::new(Forge::GitHub, base, "team/shop").unwrap();
        Forge::GitHub.report(&project, &status).url.to_string()
    };
    insta::assert_snapshot!([url("https://github.com"), url("https://github.example.com/")].join("\n"), @"
    https://api.github.com/repos/team/shop/statuses/da1560886d4f094c3e6c9ef40349f7d38b5d27d7
    https://github.example.com/api/v3/repos/team/shop/statuses/da1560886d4f094c3e6c9ef40349f7d38b5d27d7
    ");
    let project = Project::new(Forge::GitHub, "https://github.com", "team/shop").unwrap();
    insta::assert_snapshot!(Forge::GitHub.report(&project, &status).body, @r#"{"state":"failure","context":"skep/shop","target_url":"https://shop.example.com","description":"web: exit code 1\\nrolled back"}"#);
}

/// GitHub cannot be had here. What is sent, and what is taken to be sent by it, is held against its published descriptions:
/// those in the tests are stand-ins for a GitHub.
#[test]
fn statuses_and_pushes_are_those_of_the_published_api_of_github() {
    let schemas: Value = serde_json::from_str(include_str!("../../tests/schemas/github.json")).unwrap();
    let is_valid = |schema: &str, value: &Value| jsonschema::is_valid(&schemas[schema], value);
    let project = Project::new(Forge::GitHub, "https://github.com", "team/shop").unwrap();
    for state in [State::Pending, State::Running, State::Success, State::Failed] {
        let status = Status {
            commit: AFTER.parse().unwrap(),
            stack: "shop".parse().unwrap(),
            state,
            target_url: (state == State::Success).then(|| "https://shop.example.com".into()),
            description: "ö".repeat(300),
        };
        let Report { body, headers, .. } = Forge::GitHub.report(&project, &status);
        assert!(is_valid("status", &body), "{body}");
        assert_eq!(body["description"].as_str().unwrap().chars().count(), 140);
        assert!(headers.contains(&("X-GitHub-Api-Version", "2022-11-28")));
    }
    let none = "0".repeat(40);
    for (full_name, after) in [("refs/heads/main", AFTER), ("refs/tags/v1", AFTER), ("refs/heads/main", none.as_str())]
    {
        let body: Value = serde_json::from_slice(&push(Forge::GitHub, full_name, after)).unwrap();
        assert!(is_valid("push", &body), "{body}");
    }
    assert!(
        !is_valid("status", &json!({ "state": "running" })) && !is_valid("push", &json!({ "ref": "refs/heads/main" }))
    );
}

proptest! {
    #[test]
    fn reading_a_webhook_is_total(
        event in "(Push Hook|Tag Push Hook|System Hook|push|ping|.*)",
        signature in "(sha256=)?[0-9a-fA-F]{0,70}|\\PC*",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for forge in Forge::ALL {
            let named = |name: &'static str, value: &str| value.parse().ok().map(|value| (reqwest::header::HeaderName::from_static(name), value));
            let given: HeaderMap = ["x-gitlab-event", "x-github-event", "x-gitea-event"].iter().filter_map(|name| named(name, &event))
                .chain(["x-hub-signature-256", "x-gitea-signature", "webhook-signature"].iter().filter_map(|name| named(name, &signature)))
                .collect();
            drop(forge.receive(&given, &body, &[SECRET.into()], now()));
            drop(forge.mark(&given));
            drop(forge.kind().read(&given, &body));
        }
    }
}
