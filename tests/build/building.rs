//! Building, testing, and finding again what was built.

use skep::build::{Error, Limits};

use crate::sandbox::{dockerfile, in_sandbox, on_both};

const SHELL: [&str; 3] = ["/bin/busybox", "sh", "-c"];

#[tokio::test]
async fn an_image_is_built_once_and_again_when_a_file_changes() {
    on_both("once", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let file = dockerfile("COPY page /page");
        let first = sandbox.request(&sandbox.commit(&[("Dockerfile", &file), ("page", b"one")]), &[]);
        let name = format!("skep.local/{}/web:{}", sandbox.stack, first.key);

        let built = builder.ensure(first.clone()).await.unwrap();
        assert_eq!((built.image.as_str(), built.built), (name.as_str(), true));
        let again = builder.ensure(first.clone()).await.unwrap();
        assert_eq!((again.image.as_str(), again.built), (name.as_str(), false));

        let changed = sandbox.request(&sandbox.commit(&[("Dockerfile", &file), ("page", b"two")]), &[]);
        let built = builder.ensure(changed.clone()).await.unwrap();
        assert!(built.built && changed.key != first.key && built.image != name);
        assert!(sandbox.log().contains("COPY page /page"), "{}", sandbox.log());
    })
    .await;
}

#[tokio::test]
async fn what_does_not_get_into_the_image_makes_no_other_image() {
    on_both("same", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let file = dockerfile("COPY page /page");
        let mut images = Vec::new();
        for (page, readme) in [("one", "first"), ("one", "second"), ("two", "second")] {
            let files = [("Dockerfile", &file[..]), ("page", page.as_bytes()), ("README.md", readme.as_bytes())];
            images.push(builder.ensure(sandbox.request(&sandbox.commit(&files), &[])).await.unwrap().image);
        }
        assert!(images[0] != images[1], "they have their names by what is in the context");
        assert!(builder.is_same(&images[0], &images[1]).await.unwrap());
        assert!(!builder.is_same(&images[1], &images[2]).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn two_who_want_the_same_image_at_once_build_it_once() {
    on_both("together", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let request = sandbox.request(&sandbox.commit(&[("Dockerfile", &dockerfile(""))]), &[]);
        let (one, two) = tokio::join!(builder.ensure(request.clone()), builder.ensure(request));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(one.image, two.image);
        assert!(one.built != two.built);
    })
    .await;
}

#[tokio::test]
async fn an_ignored_file_is_not_in_the_image() {
    in_sandbox("ignored", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let revision = sandbox.commit(&[
            ("Dockerfile", &dockerfile("COPY . /app/")),
            (".dockerignore", b"**/*.key\n!public.key\n"),
            ("app/secret.key", b"secret"),
            ("public.key", b"public"),
        ]);
        let looks = "cd /app && test -e public.key && test -x busybox && test ! -e app/secret.key && test ! -d app";
        let request = sandbox.request(&revision, &[SHELL[0], SHELL[1], SHELL[2], looks]);
        assert!(builder.ensure(request).await.unwrap().built);
    })
    .await;
}

#[tokio::test]
async fn arguments_and_targets_reach_the_builder() {
    in_sandbox("args", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let file = dockerfile("ARG COLOUR=red\nENV COLOUR=$COLOUR\nENTRYPOINT [\"/none\"]\nFROM scratch AS last");
        let file = String::from_utf8(file).unwrap().replacen("FROM scratch", "FROM scratch AS first", 1);
        let mut request = sandbox.request(
            &sandbox.commit(&[("Dockerfile", file.as_bytes())]),
            &[SHELL[0], SHELL[1], SHELL[2], "test $COLOUR = blue"],
        );
        request.recipe.args.insert("COLOUR".into(), "blue".into());
        request.recipe.target = Some("first".into());
        assert!(builder.ensure(request).await.unwrap().built);
    })
    .await;
}

#[tokio::test]
async fn a_mounted_cache_is_understood() {
    in_sandbox("cache", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let run = "RUN --mount=type=cache,target=/cache [\"/bin/busybox\", \"sh\", \"-c\", \"echo 1 > /cache/one && echo cached > /made\"]";
        let revision = sandbox.commit(&[("Dockerfile", &dockerfile(run))]);
        let request = sandbox.request(&revision, &[SHELL[0], SHELL[1], SHELL[2], "test -e /made && test ! -e /cache/one"]);
        assert!(builder.ensure(request).await.unwrap().built);
    })
    .await;
}

#[tokio::test]
async fn a_failing_step_says_why() {
    on_both("failing", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let run = "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo there is no compiler >&2; exit 3\"]";
        let request = sandbox.request(&sandbox.commit(&[("Dockerfile", &dockerfile(run))]), &[]);
        let error = builder.ensure(request).await.unwrap_err();
        assert!(matches!(&error, Error::Failed { .. }) && !error.is_transient(), "{error}");
        assert!(error.to_string().starts_with("the image of `web` could not be built: "), "{error}");
        assert!(error.to_string().ends_with("exit code: 3"), "{error}");
        let log = error.log().join("\n");
        assert!(log.contains("there is no compiler") && log.contains("ERROR: "), "{log}");
    })
    .await;
}

#[tokio::test]
async fn an_image_whose_test_fails_has_no_name() {
    on_both("untested", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let revision = sandbox.commit(&[("Dockerfile", &dockerfile("ENTRYPOINT [\"/none\"]"))]);
        let request =
            sandbox.request(&revision, &[SHELL[0], SHELL[1], SHELL[2], "echo seen; echo not well >&2; exit 7"]);
        for _ in 0..2 {
            let error = builder.ensure(request.clone()).await.unwrap_err();
            let Error::TestFailed { exit_code: 7, log, .. } = &error else { panic!("{error}") };
            assert!(log.contains(&"seen".to_owned()) && log.contains(&"not well".to_owned()), "{log:?}");
        }
        assert_eq!((sandbox.images().await, sandbox.containers().await), (vec![], vec![]));

        let missing = sandbox.request(&revision, &["/no/such/command"]);
        let error = builder.ensure(missing).await.unwrap_err();
        assert!(matches!(error, Error::TestNotStarted { .. }), "{error}");
        let well = sandbox.request(&revision, &[SHELL[0], "true"]);
        assert!(builder.ensure(well).await.unwrap().built);
    })
    .await;
}
