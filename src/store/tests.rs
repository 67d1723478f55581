use std::collections::BTreeSet;
use std::io::Read as _;

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::engine::simulated::World;
use crate::health::{Blame, Symptom};
use crate::release::{Cause, Origin};
use crate::stack::{Config as StackConfig, Stack};

fn stack() -> StackName {
    "shop".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn rolling() -> Phase {
    Phase::rolling(at(1))
}

fn release(id: u64) -> Release {
    Release {
        id: ReleaseId(id),
        origin: Origin {
            repository: "shop".into(),
            branch: Some("main".into()),
            commit: "a".repeat(40).parse().unwrap(),
            tree: "b".repeat(40).parse().unwrap(),
            author: "Ada <ada@example.com>".into(),
            subject: "Sell more".into(),
        },
        owner: None,
        cause: Cause::Push,
        created: at(0),
        images: BTreeMap::new(),
        desired: Some(Stack::empty(stack())),
        phase: rolling(),
        stack: stack(),
        recorded: World::new().now(),
    }
}

fn store() -> (World, Store) {
    let world = World::new();
    (world.clone(), Store::new(Engine::Simulated(world)))
}

/// The stack's releases as `r1` or, without what was desired, `r1-`; then what is damaged.
async fn shown(store: &Store) -> String {
    let records = store.history(&stack()).await.unwrap();
    let release = |it: &Release| format!("{}{}", it.id, if it.desired.is_none() { "-" } else { "" });
    let damaged = records.damaged.iter().map(|it| format!("{}: {}", it.name, it.why));
    records.releases.iter().map(release).chain(damaged).collect::<Vec<_>>().join(" ")
}

/// A key for records.
fn key(letter: char) -> secrecy::SecretString {
    letter.to_string().repeat(32).into()
}

/// The records of a swarm, for somebody with these keys.
fn with_keys(world: &World, letters: &str) -> Store {
    let keys = Keys::new(letters.chars().map(key).collect());
    Store::new(Engine::Simulated(world.clone())).with_keys(keys)
}

async fn tamper(world: &World, name: &str, change: impl FnOnce(&mut Value)) {
    let engine = Engine::Simulated(world.clone());
    let config: Value = engine.json(Call::get(format!("/configs/{name}"))).await.unwrap();
    let mut spec = config["Spec"].clone();
    change(&mut spec);
    engine.call(Call::delete(format!("/configs/{name}"))).await.unwrap();
    engine.call(Call::post("/configs/create", spec)).await.unwrap();
}

#[test]
fn whoever_reads_a_record_makes_room_for_what_it_holds_and_no_more() {
    let text = "a stack ".repeat(100);
    let size = zstd::zstd_safe::get_frame_content_size(&record::packed(&text));
    assert_eq!(size.ok().flatten(), Some(text.len() as u64));
}

#[tokio::test]
async fn a_release_comes_back_as_it_was_added() {
    let (_, store) = store();
    store.add(&Lease::of_command(), &release(1)).await.unwrap();
    let records = store.history(&stack()).await.unwrap();
    assert_eq!(records, Records { releases: vec![release(1)], damaged: vec![] });
    assert_eq!(store.archive().await.unwrap().records(&stack()), records);
    assert_eq!(store.stacks().await.unwrap(), BTreeMap::from([(stack(), records)]));
    assert_eq!(store.history(&"shop2".parse().unwrap()).await.unwrap(), Records::default());
}

#[tokio::test]
async fn a_number_is_taken_once() {
    let (_, store) = store();
    store.add(&Lease::of_command(), &release(1)).await.unwrap();
    insta::assert_snapshot!(store.add(&Lease::of_command(), &release(1)).await.unwrap_err(), @"release r1 of shop exists already; if `skep history shop` does not show it, look at the config `skep.shop.r1`, and remove it");
}

#[tokio::test]
async fn a_phase_moves_on_only_from_what_was_seen() {
    let (_, store) = store();
    store.add(&Lease::of_command(), &release(1)).await.unwrap();
    let promoted = Phase::promoted(at(9));
    store.set_phase(&Lease::of_command(), &stack(), ReleaseId(1), &rolling(), &promoted).await.unwrap();
    assert_eq!(store.history(&stack()).await.unwrap().releases[0].phase, promoted);

    let late = store.set_phase(&Lease::of_command(), &stack(), ReleaseId(1), &rolling(), &promoted).await.unwrap_err();
    insta::assert_snapshot!(late, @"release r1 of shop was changed by somebody else in the meantime");
    let absent =
        store.set_phase(&Lease::of_command(), &stack(), ReleaseId(2), &rolling(), &promoted).await.unwrap_err();
    insta::assert_snapshot!(absent, @"there is no record of release r2 of shop");
}

#[tokio::test]
async fn symptoms_are_cut_to_what_a_label_should_hold() {
    let (world, store) = store();
    store.add(&Lease::of_command(), &release(1)).await.unwrap();
    let log = vec!["what a container wrote".to_owned()];
    let symptom =
        Symptom { service: None, message: "é\"".repeat(9000), help: None, task: None, log, blame: Blame::Version };
    let failed = Phase::failed(at(9), vec![symptom; 50]);
    store.set_phase(&Lease::of_command(), &stack(), ReleaseId(1), &rolling(), &failed).await.unwrap();

    let config: Value = Engine::Simulated(world).json(Call::get("/configs/skep.shop.r1")).await.unwrap();
    let label = config["Spec"]["Labels"][record::PHASE_LABEL].as_str().unwrap();
    assert!(label.len() < 16 << 10);
    assert!(!label.contains("what a container wrote"), "{label}");
    let Phase::Failed { symptoms, .. } = &store.history(&stack()).await.unwrap().releases[0].phase else {
        panic!("it failed");
    };
    assert_eq!((symptoms.is_empty(), symptoms[0].log.len()), (false, 0));
    // Whoever still holds the phase as it was given can move on from it.
    store.set_phase(&Lease::of_command(), &stack(), ReleaseId(1), &failed, &rolling()).await.unwrap();
}

#[tokio::test]
async fn the_history_is_made_small_again() {
    let (world, store) = store();
    for id in 1..=13 {
        store.add(&Lease::of_command(), &release(id)).await.unwrap();
    }
    let whole = BTreeSet::from([2, 11, 12, 13].map(ReleaseId));
    store.thin(&Lease::of_command(), &stack(), &whole).await.unwrap();
    assert_eq!(shown(&store).await, "r2 r4- r5- r6- r7- r8- r9- r10- r11 r12 r13");
    world.forget_calls();
    store.thin(&Lease::of_command(), &stack(), &whole).await.unwrap();
    assert_eq!(world.calls(), []);
}

#[tokio::test]
async fn thinning_may_be_interrupted_anywhere() {
    for survived in 0..8 {
        let (world, store) = store();
        for id in 1..=3 {
            store.add(&Lease::of_command(), &release(id)).await.unwrap();
        }
        let whole = BTreeSet::from([ReleaseId(3)]);
        interrupted_after(&world, survived, store.thin(&Lease::of_command(), &stack(), &whole)).await;
        let ids: Vec<u64> = store.history(&stack()).await.unwrap().releases.iter().map(|it| it.id.0).collect();
        assert_eq!(ids, [1, 2, 3], "after {survived} requests");
        store.thin(&Lease::of_command(), &stack(), &whole).await.unwrap();
        assert_eq!(shown(&store).await, "r1- r2- r3");
    }
}

/// Runs a future whose engine goes away after so many requests.
async fn interrupted_after(world: &World, requests: u32, work: impl Future<Output = Result<(), Error>>) {
    world.away_after(requests);
    let _outcome = work.await;
    world.away(false);
}

#[tokio::test]
async fn what_cannot_be_read_is_told() {
    let (world, store) = store();
    for id in 1..=7 {
        store.add(&Lease::of_command(), &release(id)).await.unwrap();
    }
    let data = |spec: &Value| base64::engine::general_purpose::STANDARD.decode(spec["Data"].as_str().unwrap()).unwrap();
    let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    tamper(&world, "skep.shop.r1", |spec| spec["Data"] = encoded(&data(spec)[..40]).into()).await;
    tamper(&world, "skep.shop.r2", |spec| spec["Labels"]["skep.version"] = "2".into()).await;
    tamper(&world, "skep.shop.r3", |spec| spec["Labels"] = json!({})).await;
    tamper(&world, "skep.shop.r4", |spec| spec["Name"] = "skep.shop.r40".into()).await;
    tamper(&world, "skep.shop.r5", |spec| spec["Labels"]["skep.phase"] = "healthy".into()).await;
    let bomb = zstd::encode_all(std::io::repeat(b' ').take(17 << 20), 3).unwrap();
    tamper(&world, "skep.shop.r6", |spec| spec["Data"] = encoded(&bomb).into()).await;
    insta::assert_snapshot!(shown(&store).await.replace(" skep.shop", "\nskep.shop"), @r"
    r7
    skep.shop.r1: its data cannot be decompressed: incomplete frame
    skep.shop.r2: it has format 2, and this skep reads format 1; a newer skep wrote it
    skep.shop.r3: its label `skep.version` is gone
    skep.shop.r5: its label `skep.phase` is not a phase: expected value at line 1 column 1
    skep.shop.r6: its data unfolds to more than 16 MiB
    skep.shop.r40: it holds release r4 of shop, which is not what its name and labels say
    ");
}

#[tokio::test]
async fn a_release_that_is_too_big_is_refused_with_its_size() {
    let (world, store) = store();
    let mut big = release(1);
    // Bytes that do not compress.
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let content =
        std::iter::successors(Some(1), next).map(|state: u64| state.to_be_bytes()[0]).take(1_500_000).collect();
    let config = StackConfig::Own { content, labels: BTreeMap::new(), template_driver: None };
    big.desired.as_mut().unwrap().configs.insert("shop_c".into(), config);
    let error = store.add(&Lease::of_command(), &big).await.unwrap_err();
    assert!(matches!(error, Error::TooBig { kib: 900.., .. }), "{error}");
    assert_eq!(world.calls(), []);
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_written() {
    let (world, store) = store();
    let mut long = release(1);
    // It is small when compressed.
    let content = vec![b' '; 17 << 20];
    let config = StackConfig::Own { content, labels: BTreeMap::new(), template_driver: None };
    long.desired.as_mut().unwrap().configs.insert("shop_c".into(), config);
    for outcome in [store.add(&Lease::of_command(), &long).await, fits(&long)] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::TooLong { mib: 17.., .. }) && !error.is_transient(), "{error}");
    }
    assert_eq!(world.calls(), []);
}

#[tokio::test]
async fn a_config_of_a_stack_is_no_record() {
    let (world, store) = store();
    store.add(&Lease::of_command(), &release(1)).await.unwrap();
    store.add(&Lease::of_command(), &release(2)).await.unwrap();
    tamper(&world, "skep.shop.r2", |spec| spec["Labels"][NAMESPACE_LABEL] = "attacker".into()).await;
    assert_eq!(shown(&store).await, "r1");
    assert!(matches!(
        store.set_phase(&Lease::of_command(), &stack(), ReleaseId(2), &rolling(), &rolling()).await,
        Err(Error::Missing { .. })
    ));
    store.forget(&Lease::of_command(), &stack(), None).await.unwrap();
    let left: Vec<Value> = Engine::Simulated(world).json(Call::get("/configs")).await.unwrap();
    assert_eq!(left.len(), 1, "it is not skep's to remove");
}

#[tokio::test]
async fn a_record_that_skep_has_not_written_is_damaged() {
    let (world, stranger) = store();
    let store = with_keys(&world, "k");
    store.authenticate(&Lease::of_command()).await.unwrap();
    for id in [1, 2, 3] {
        store.add(&Lease::of_command(), &release(id)).await.unwrap();
    }
    let promoted = Phase::promoted(at(9));
    store.set_phase(&Lease::of_command(), &stack(), ReleaseId(1), &rolling(), &promoted).await.unwrap();
    assert_eq!(shown(&store).await, "r1 r2 r3");

    // Forged: made up, a phase that was changed, one that was taken from another record, another record's content.
    let engine = Engine::Simulated(world.clone());
    for (id, keys) in [(0, Keys::default()), (7, Keys::new(vec![key('x')]))] {
        engine
            .call(Call::post("/configs/create", record::body(&release(id), Shape::Full, &keys).unwrap()))
            .await
            .unwrap();
    }
    let rubbish = json!({ "Name": "skep.shop.r99", "Labels": {}, "Data": record::encoded(b"rubbish") });
    engine.call(Call::post("/configs/create", rubbish)).await.unwrap();
    let of_first: Value = engine.json(Call::get("/configs/skep.shop.r1")).await.unwrap();
    let of_first = of_first["Spec"]["Labels"].clone();
    tamper(&world, "skep.shop.r2", |spec| spec["Labels"]["skep.phase"] = of_first["skep.phase"].clone()).await;
    tamper(&world, "skep.shop.r3", |spec| {
        spec["Labels"]["skep.phase"] = of_first["skep.phase"].clone();
        spec["Labels"]["skep.seal"] = of_first["skep.seal"].clone();
    })
    .await;
    insta::assert_snapshot!(shown(&store).await.replace(" skep.shop", "\nskep.shop"), @r"
    r1
    skep.shop.r0: it has no authenticator: skep did not write it
    skep.shop.r2: its authenticator is wrong: it was changed, or signed with a key that is not set
    skep.shop.r3: its authenticator is wrong: it was changed, or signed with a key that is not set
    skep.shop.r7: its authenticator is wrong: it was changed, or signed with a key that is not set
    skep.shop.r99: it has no authenticator: skep did not write it
    ");
    let moved = store.set_phase(&Lease::of_command(), &stack(), ReleaseId(7), &rolling(), &promoted).await;
    assert!(matches!(moved, Err(Error::Missing { .. })), "a forged record is never signed");
    store.authenticate(&Lease::of_command()).await.unwrap();
    assert!(shown(&store).await.starts_with("r1 skep.shop.r0"), "not even by the next start");

    // Without the key they are read, and none is written.
    assert!(shown(&stranger).await.starts_with("r0 r1 r2 r3 r7"));
    let refused = stranger.add(&Lease::of_command(), &release(8)).await.unwrap_err();
    insta::assert_snapshot!(refused, @"the records in this swarm are authenticated, and no key for them is set; name its file in `record_key_files` or SKEP_RECORD_KEY_FILE, or run the command in skep's own container: docker exec $(docker ps -qf name=skep_skep) skep ...");
    let refused = stranger.set_phase(&Lease::of_command(), &stack(), ReleaseId(1), &promoted, &rolling()).await;
    assert!(matches!(refused, Err(Error::NoKey)));
    assert!(
        matches!(stranger.authenticate(&Lease::of_command()).await, Err(Error::NoKey)),
        "a controller does not even start"
    );
}

#[tokio::test]
async fn records_of_the_time_before_there_was_a_key_are_trusted_once() {
    let (world, before) = store();
    before.authenticate(&Lease::of_command()).await.unwrap();
    assert_eq!(world.calls(), [], "without a key nothing is written");
    before.add(&Lease::of_command(), &release(1)).await.unwrap();
    before.add(&Lease::of_command(), &release(2)).await.unwrap();
    let body = record::body(&release(3), Shape::Full, &Keys::default()).unwrap();

    let store = with_keys(&world, "k");
    for survived in 0..6 {
        interrupted_after(&world, survived, store.authenticate(&Lease::of_command())).await;
    }
    store.authenticate(&Lease::of_command()).await.unwrap();
    assert_eq!(shown(&store).await, "r1 r2");
    world.forget_calls();
    store.authenticate(&Lease::of_command()).await.unwrap();
    assert_eq!(world.calls(), []);
    // Whatever comes later without an authenticator was not written by skep.
    Engine::Simulated(world.clone()).call(Call::post("/configs/create", body)).await.unwrap();
    store.authenticate(&Lease::of_command()).await.unwrap();
    assert_eq!(shown(&store).await, "r1 r2 skep.shop.r3: it has no authenticator: skep did not write it");
}

#[tokio::test]
async fn each_scope_has_keys_of_its_own() {
    let (world, _) = store();
    let live = with_keys(&world, "l");
    live.authenticate(&Lease::of_command()).await.unwrap();
    live.add(&Lease::of_command(), &release(1)).await.unwrap();
    let mut of_the_lab = release(1);
    (of_the_lab.stack, of_the_lab.desired) = ("blog".parse().unwrap(), None);
    let lab = |keys: &str| with_keys(&world, keys).with_scope("lab".parse().unwrap());

    lab("").add(&Lease::of_command(), &of_the_lab).await.unwrap();
    lab("x").authenticate(&Lease::of_command()).await.unwrap();
    assert!(matches!(lab("").add(&Lease::of_command(), &of_the_lab).await, Err(Error::NoKey)));
    assert!(matches!(lab("y").authenticate(&Lease::of_command()).await, Err(Error::OtherKey)));
    live.authenticate(&Lease::of_command()).await.unwrap();
    for reader in [&live, &lab("x")] {
        let stacks = reader.stacks().await.unwrap();
        let (mut damaged, releases) =
            (stacks.values().flat_map(|it| &it.damaged), stacks.values().flat_map(|it| &it.releases));
        assert_eq!((damaged.next(), releases.count()), (None, 2));
    }
    assert!(!live.history(&stack()).await.unwrap().releases[0].origin.repository.is_foreign());
    assert!(lab("x").history(&stack()).await.unwrap().releases[0].origin.repository.is_foreign());
}

#[tokio::test]
async fn a_key_can_be_replaced() {
    let (world, _) = store();
    let old = with_keys(&world, "o");
    old.authenticate(&Lease::of_command()).await.unwrap();
    old.add(&Lease::of_command(), &release(1)).await.unwrap();

    let lost = with_keys(&world, "n");
    insta::assert_snapshot!(lost.authenticate(&Lease::of_command()).await.unwrap_err(), @"the records in this swarm are authenticated with another key than those in `record_key_files`; add the file of that key after the first one, or, if it is lost and the records can be trusted as they are, remove the config `skep.key`");
    let both = with_keys(&world, "no");
    assert_eq!(shown(&both).await, "r1", "before it is signed anew, too");
    both.authenticate(&Lease::of_command()).await.unwrap();
    lost.authenticate(&Lease::of_command()).await.unwrap();
    assert_eq!(shown(&lost).await, "r1");
    assert!(matches!(old.authenticate(&Lease::of_command()).await, Err(Error::OtherKey)));

    // The key is lost, and somebody says that the records are good.
    let engine = Engine::Simulated(world.clone());
    engine.call(Call::delete(format!("/configs/{MARKER}"))).await.unwrap();
    let fresh = with_keys(&world, "f");
    fresh.authenticate(&Lease::of_command()).await.unwrap();
    assert_eq!(shown(&fresh).await, "r1");
}
