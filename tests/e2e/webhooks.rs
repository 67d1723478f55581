//! Webhooks that nobody should send.

use insta::assert_snapshot;

use crate::harness::Lab;
use crate::harness::controller::SECRET;
use crate::harness::web;

const EVENT: (&str, &str) = ("X-Gitlab-Event", "Push Hook");
const TOKEN: (&str, &str) = ("X-Gitlab-Token", SECRET);
const SETTINGS: &str = "gitlab: { url: \"http://127.0.0.1:1\", webhook_secret_files: [FOLDER/secret] }
repositories:
  shop: { url: \"file://FOLDER/nowhere.git\", poll_seconds: 3600 }
";

#[test]
fn a_webhook_that_is_not_gitlabs_is_refused() {
    let Some(lab) = Lab::alone(SETTINGS) else { return };
    let post = |repository: &str, headers: &[(&str, &str)], body: Vec<u8>| {
        let url = format!("http://127.0.0.1:{}/hooks/{repository}", lab.port);
        match web::post(&url, headers, body) {
            Ok(answer) => format!("{} {}", answer.status, answer.body.trim()),
            Err(_) => "cut off".to_owned(),
        }
    };
    let push = || br#"{"object_kind":"push","ref":"refs/heads/main"}"#.to_vec();
    let answers = [
        ("no secret", post("shop", &[EVENT], push())),
        ("empty secret", post("shop", &[EVENT, ("X-Gitlab-Token", "")], push())),
        ("wrong secret", post("shop", &[EVENT, ("X-Gitlab-Token", "guess")], push())),
        ("unknown repository", post("nobody", &[EVENT, TOKEN], push())),
        ("not JSON", post("shop", &[EVENT, TOKEN], b"{\"object_kind\":".to_vec())),
        ("no commit", post("shop", &[EVENT, TOKEN], push())),
        ("deep", post("shop", &[EVENT, TOKEN], vec![b'['; 1 << 19])),
        ("another event", post("shop", &[("X-Gitlab-Event", "Issue Hook"), TOKEN], b"{}".to_vec())),
    ];
    let shown: Vec<_> = answers.iter().map(|(what, answer)| format!("{what}: {answer}")).collect();
    assert_snapshot!(shown.join("\n"), @"
    no secret: 401 the webhook's secret or signature is missing or wrong, or its time is off by more than five minutes; set the same secret at the forge and in skep's settings. skep's log says what is wrong
    empty secret: 401 the webhook's secret or signature is missing or wrong, or its time is off by more than five minutes; set the same secret at the forge and in skep's settings. skep's log says what is wrong
    wrong secret: 401 the webhook's secret or signature is missing or wrong, or its time is off by more than five minutes; set the same secret at the forge and in skep's settings. skep's log says what is wrong
    unknown repository: 404 skep does not watch a repository `nobody`; this secret is for shop
    not JSON: 400 this is not a push event of GitLab: EOF while parsing a value at line 1 column 15
    no commit: 400 this is not a push event of GitLab: missing field `after` at line 1 column 46
    deep: 400 this is not a push event of GitLab: invalid type: sequence, expected a string at line 1 column 1
    another event: 200 nothing to do: the event `Issue Hook` is not a push; configure the forge to send push events only
    ");

    let giant = post("shop", &[EVENT, TOKEN], vec![b' '; 100 << 20]);
    assert!(giant == "cut off" || giant.starts_with("413"), "{giant}");
    let strange = post("shop", &[EVENT], vec![b' '; 100 << 20]);
    assert!(strange == "cut off" || strange.starts_with("401"), "{strange}");
    assert!(lab.peak_memory() < 100, "{} MiB", lab.peak_memory());
    assert!(!lab.log().contains("INFO received a webhook"), "{}", lab.log());
}
