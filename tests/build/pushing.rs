//! A registry: pushing, finding, being refused.

use std::collections::BTreeSet;

use skep::build::{Builder, Error, Limits};
use skep::engine::Call;
use skep::name::RegistryHost;
use skep::registry::{Login, Registry};
use skep::source::{self, Mirror};

use crate::sandbox::{RegistryProcess, dockerfile, endpoint, engine_at, in_sandbox};

/// `ci` with [`PASSWORD`] and `plain` with its name, as `htpasswd -B` writes it.
const USERS: &str = "plain:$2y$05$abcdefghijklmnopqrstuuFdNDEfkb1X3rllvPrjxMBiguHm2mNL6\nci:$2y$05$abcdefghijklmnopqrstuuu2IdXnCofqtCJ/AGVHUP98/9DKk2nnW\n";
/// Has `/` in base64, which the engine reads only as `_`.
const PASSWORD: &str = "a???b>>>c";

fn builder(registry: Registry) -> Builder {
    Builder::new(engine_at(&endpoint()), Some(registry), Limits::default())
}

#[tokio::test]
async fn what_was_pushed_is_found_by_another_builder() {
    in_sandbox("pushed", async |sandbox| {
        let Some(process) = RegistryProcess::start(None).await else { return };
        let request =
            sandbox.request(&sandbox.commit(&[("Dockerfile", &dockerfile("ENV A=1"))]), &["/bin/busybox", "true"]);
        let first = builder(process.registry(None));
        let name = first.image_name(&sandbox.stack, &request.recipe.service, &request.key);

        let built = first.ensure(request.clone()).await.unwrap();
        assert_eq!(built.image, format!("{name}@{}", process.digest(&name).await));
        assert!(built.built && sandbox.log().contains(&format!("pushed {name}: ")), "{}", sandbox.log());

        let found = builder(process.registry(None)).ensure(request.clone()).await.unwrap();
        assert_eq!((found.image.as_str(), found.built), (built.image.as_str(), false));

        drop(process);
        let known = first.ensure(request).await.unwrap();
        assert_eq!((known.image, known.built), (built.image, false));
    })
    .await;
}

#[tokio::test]
async fn an_image_whose_test_fails_is_not_pushed() {
    in_sandbox("unpushed", async |sandbox| {
        let Some(process) = RegistryProcess::start(None).await else { return };
        let revision = sandbox.commit(&[("Dockerfile", &dockerfile("ENV A=2"))]);
        let builder = builder(process.registry(None));
        let error = builder.ensure(sandbox.request(&revision, &["/bin/busybox", "false"])).await.unwrap_err();
        assert!(matches!(error, Error::TestFailed { exit_code: 1, .. }), "{error}");
        let catalogue =
            reqwest::get(format!("http://{}/v2/_catalog", process.host)).await.unwrap().text().await.unwrap();
        assert_eq!(catalogue.trim(), r#"{"repositories":[]}"#);
    })
    .await;
}

#[tokio::test]
async fn credentials_are_used_and_wrong_ones_are_refused() {
    in_sandbox("let-in", async |sandbox| {
        let Some(process) = RegistryProcess::start(Some(USERS)).await else { return };
        let request = sandbox.request(&sandbox.commit(&[("Dockerfile", &dockerfile("ENV A=3"))]), &[]);

        let wrong = builder(process.registry(Some(("ci", "guess")))).ensure(request.clone()).await.unwrap_err();
        let shown = wrong.to_string().replace(&process.host, "HOST").replace(sandbox.stack.as_str(), "STACK");
        let shown = shown.replace(&request.key, "KEY");
        insta::assert_snapshot!(shown, @"the registry HOST refuses `ci` access to HOST/STACK/web:KEY; check the user, its password and its rights there");
        let nobody = builder(process.registry(None)).ensure(request.clone()).await.unwrap_err();
        assert!(nobody.to_string().contains("refuses us without a user access"), "{nobody}");

        let right = builder(process.registry(Some(("ci", PASSWORD))));
        let built = right.ensure(request).await.unwrap();
        assert!(built.built);
        let (name, _) = built.image.split_once('@').unwrap();
        assert_eq!(right.resolve(name, None).await.unwrap(), Some(built.image.clone()));
    })
    .await;
}

#[tokio::test]
async fn a_registry_of_a_private_authority_is_trusted_by_its_certificate() {
    in_sandbox("private-ca", async |sandbox| {
        let Some((process, authority)) = RegistryProcess::start_with_tls(USERS).await else { return };
        let registry = |authorities: &[u8]| Registry {
            insecure: false,
            authorities: authorities.to_vec(),
            ..process.registry(Some(("ci", PASSWORD)))
        };
        let request = sandbox.request(&sandbox.commit(&[("Dockerfile", &dockerfile("ENV A=6"))]), &[]);

        let unknown = builder(registry(b"")).ensure(request.clone()).await.unwrap_err();
        assert!(unknown.is_transient() && unknown.to_string().contains("certificate verify failed"), "{unknown}");
        let built = builder(registry(&authority)).ensure(request.clone()).await.unwrap();
        assert!(built.built && built.image.contains("@sha256:"), "{}", built.image);
        // The second of two certificates counts as well.
        let both = [&authority[..], b"\n", &authority[..]].concat();
        assert!(!builder(registry(&both)).ensure(request).await.unwrap().built, "it is found by its key");
    })
    .await;
}

#[tokio::test]
async fn a_git_host_of_a_private_authority_is_trusted_by_its_certificate() {
    let Some((process, authority)) = RegistryProcess::start_with_tls(USERS).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority).unwrap();
    let url = format!("https://{}/team/shop.git", process.host);
    let mirror = Mirror::open(&folder.path().join("mirror"), &url, None).unwrap();

    let unknown = mirror.remote_branch("main").await.unwrap_err();
    assert!(matches!(unknown, source::Error::Away { .. }), "{unknown}");
    source::trust(&file).unwrap();
    // The registry is no Git host, and says so over a connection that is trusted now.
    let known = mirror.remote_branch("main").await.unwrap_err();
    assert!(matches!(known, source::Error::NoRepository { .. }), "{known}");
}

#[tokio::test]
async fn a_registry_that_is_away_stops_the_build_before_it_begins() {
    in_sandbox("away", async |sandbox| {
        let request = sandbox.request(&sandbox.commit(&[("Dockerfile", &dockerfile("ENV A=4"))]), &[]);
        let registry =
            Registry { prefix: "127.0.0.1:1/team".into(), insecure: true, authorities: Vec::new(), login: None };
        let error = builder(registry).ensure(request).await.unwrap_err();
        assert!(error.is_transient());
        insta::assert_snapshot!(error, @"the registry 127.0.0.1:1 does not answer: Connection refused (os error 111)");
        assert_eq!(sandbox.log(), "");
    })
    .await;
}

#[tokio::test]
async fn a_foreign_image_is_pinned_where_its_registry_answers() {
    in_sandbox("pinned", async |sandbox| {
        let Some(process) = RegistryProcess::start(None).await else { return };
        let request = sandbox.request(&sandbox.commit(&[("Dockerfile", &dockerfile("ENV A=5"))]), &[]);
        let pushed = builder(process.registry(None)).ensure(request).await.unwrap().image;
        let name = pushed.split_once('@').unwrap().0.to_owned();

        let stranger = sandbox.builder(Limits::default());
        assert_eq!(stranger.resolve(&name, None).await.unwrap().as_deref(), Some(pushed.as_str()));
        assert_eq!(stranger.resolve(&pushed, None).await.unwrap().as_deref(), Some(pushed.as_str()));
        let missing = name.replace("/web:", "/none:");
        let error = stranger.resolve(&missing, None).await.unwrap_err();
        assert!(matches!(&error, Error::Unresolved { image, .. } if *image == missing), "{error}");
        assert!(!error.is_transient(), "its registry said that it has no such image: {error}");

        drop(process);
        assert_eq!(
            stranger.resolve(&name, None).await.unwrap().as_deref(),
            Some(pushed.as_str()),
            "it was asked for just now"
        );
        let later = sandbox.builder(Limits::default());
        let resolved = later.resolve(&name, None).await.unwrap();
        assert_eq!(resolved.as_deref(), Some(pushed.as_str()), "the engine knows the digest that it pushed");
        let running = missing.clone() + "@sha256:" + &"1".repeat(64);
        let resolved = later.resolve(&missing, Some(&running)).await.unwrap();
        assert_eq!(resolved, Some(running), "it stays at the digest that runs");
        let error = later.resolve(&missing, None).await.unwrap_err();
        assert!(matches!(error, Error::Unresolved { .. }) && error.is_transient(), "nobody answered: {error}");
        assert!(matches!(
            later.resolve("Not an image", None).await,
            Err(Error::Registry(skep::registry::Error::NotAnImage(_)))
        ));
    })
    .await;
}

#[tokio::test]
async fn only_own_images_that_nobody_needs_are_removed() {
    in_sandbox("removed", async |sandbox| {
        let Some(process) = RegistryProcess::start(None).await else { return };
        let with_registry = builder(process.registry(None));
        let local = sandbox.builder(Limits::default());
        let request = |value: &str| {
            let file = dockerfile(&format!("ENV REMOVED={value}"));
            sandbox.request(&sandbox.commit(&[("Dockerfile", &file)]), &[])
        };
        let old = with_registry.ensure(request("1")).await.unwrap().image;
        let kept = with_registry.ensure(request("2")).await.unwrap().image;
        let foreign = local.ensure(request("1")).await.unwrap().image;

        let removed = with_registry.remove_images(&BTreeSet::from([kept.clone()])).await.unwrap();
        assert_eq!(removed, [old.split_once('@').unwrap().0]);
        assert!(!local.ensure(request("1")).await.unwrap().built, "{foreign} is under another prefix");
        assert!(!with_registry.ensure(request("1")).await.unwrap().built, "the registry still has it");
    })
    .await;
}

#[tokio::test]
async fn a_base_image_that_moved_is_fetched_with_credentials() {
    in_sandbox("moved", async |sandbox| {
        let Some(process) = RegistryProcess::start(Some(USERS)).await else { return };
        let builder = builder(process.registry(Some(("ci", PASSWORD))));
        let base = format!("{}{}", process.host, sandbox.base_tag());
        let image = async |age: &str| {
            let file = dockerfile(&format!("ENV AGE={age}"));
            let built = builder.ensure(sandbox.request(&sandbox.commit(&[("Dockerfile", &file)]), &[])).await.unwrap();
            built.image.split_once('@').unwrap().0.to_owned()
        };
        let (old, new) = (image("old").await, image("new").await);
        tag(&new, &base).await;
        push(&base).await;
        tag(&old, &base).await;

        let file = format!("FROM {base}");
        let test = ["/bin/busybox", "sh", "-c", "test $AGE = new"];
        let mut request = sandbox.request(&sandbox.commit(&[("Dockerfile", file.as_bytes())]), &test);
        assert_eq!(request.recipe.base_images(&file).unwrap(), [base.as_str()]);
        assert!(matches!(builder.ensure(request.clone()).await, Err(Error::TestFailed { .. })), "the old one is here");
        request.pull = true;
        assert!(builder.ensure(request).await.unwrap().built);
    })
    .await;
}

async fn tag(image: &str, name: &str) {
    let (repository, tag) = name.rsplit_once(':').unwrap();
    let call = Call::act(format!("/images/{image}/tag")).with("repo", repository).with("tag", tag);
    engine_at(&endpoint()).call(call).await.unwrap();
}

async fn push(name: &str) {
    let (repository, tag) = name.rsplit_once(':').unwrap();
    let mut call = Call::act(format!("/images/{repository}/push")).with("tag", tag);
    call.registry_auth = Some(Login::new(&RegistryHost::of_prefix(repository), "plain", "plain").header());
    let pushed = engine_at(&endpoint()).call(call).await.unwrap();
    let pushed = String::from_utf8_lossy(&pushed);
    assert!(!pushed.contains("errorDetail"), "{pushed}");
}
