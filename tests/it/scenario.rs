//! Every story in `tests/scenarios`, on the simulated swarm and on a real one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use regex::Regex;

use crate::harness::docker::Docker;
use crate::harness::stage::Stage;
use crate::harness::story::Story;

/// How many stories are played at once: with more, an engine on a small machine is slower than the stories allow.
const AT_ONCE: usize = 6;

/// Commands that only the simulation can carry out, and why the real engine cannot.
const ONLY_SIMULATED: [(&str, &str); 10] = [
    ("app:1 drains", "the image of the stories ends as soon as it is told to"),
    ("the answer to the next write is lost", "a real connection does not break when it is told to"),
    ("edit stacks/blog", "which of two stacks is done first depends on the machine"),
    ("the controller is killed after", "a real engine does not count requests; `make test` kills a real controller"),
    ("the engine is away", "a real engine does not leave when it is told to"),
    ("the engine answers", "a real engine does not fail when it is told to"),
    ("the next write is refused", "a real engine does not fail when it is told to"),
    ("the swarm has", "a real engine is the only node of its swarm"),
    ("time passes", "the clock of a real engine cannot be set"),
    ("round", "how much a single round sees depends on the machine"),
];

#[test]
fn stories_go_as_they_are_told() {
    let rewrite = std::env::var_os("UPDATE_SCENARIOS").is_some();
    let wrong: Vec<String> = in_parallel(|path, story| {
        let played = story.play(&mut Stage::simulated());
        if rewrite {
            std::fs::write(path, &played).unwrap();
        }
        first_difference(path, &story.as_written(), &played)
    });
    assert!(
        rewrite || wrong.is_empty(),
        "{}\nhint: UPDATE_SCENARIOS=1 cargo test --test it stories  writes what they say now",
        wrong.join("\n")
    );
}

/// A controller that is killed is followed by one that comes to the same end, whenever it was: eight requests make a
/// round, so every seventeenth is at another place of it.
#[test]
fn it_does_not_matter_when_the_controller_is_killed() {
    let unharmed = update_with_a_kill_after(None).expect("nobody kills it");
    let mut kills = 0;
    while let Some(end) = update_with_a_kill_after(Some(kills)) {
        assert_eq!(end, unharmed, "killed after {kills} requests");
        kills += 17;
    }
    assert!(kills > 100, "only {kills} requests were made");
}

/// What the swarm has in the end, when the controller of a push that fails was killed after so many requests; none if it
/// was done before.
fn update_with_a_kill_after(requests: Option<u32>) -> Option<Vec<String>> {
    let mut stage = Stage::simulated();
    // The first version is healthy, the second is not: it ends where it began.
    let file = "x-skep: { stable: 1s }\nservices: { db: { image: app:1 }, web: { image: app:1, depends_on: [db] } }\n";
    stage.file("stacks/shop/stack.yml", file);
    stage.perform("push first");
    stage.perform("edit stacks/shop/stack.yml 'web: { image: app:1' 'web: { image: app:2'");
    stage.perform("app:2 crashes");
    if let Some(requests) = requests {
        stage.perform(&format!("the controller is killed after {requests} requests"));
    }
    let said = stage.perform("push second");
    if requests.is_some() && !said.iter().any(|line| line.contains("is killed")) {
        return None;
    }
    if requests.is_some() {
        stage.perform("follow");
    }
    Some(stage.perform("swarm"))
}

/// Swarm puts the old version back each time that the failed one is written: it must be written once.
#[test]
fn a_version_that_swarm_rolls_back_is_written_once() {
    for order in ["start-first", "stop-first"] {
        let mut stage = Stage::simulated();
        let update = format!("{{ failure_action: rollback, order: {order} }}");
        let file = format!("services: {{ web: {{ image: app:1, deploy: {{ update_config: {update} }} }} }}\n");
        stage.file("stacks/shop/stack.yml", &file);
        stage.perform("push first");
        stage.perform("edit stacks/shop/stack.yml app:1 app:2");
        stage.perform("app:2 crashes");
        let said = stage.perform("push second");
        assert_eq!(said.last().unwrap(), "shop r2 was not healthy; r1 runs again", "{order}: {said:#?}");
        assert_eq!(stage.writes_of_services_with("app:2"), 1, "{order}");
        assert_eq!(stage.perform("swarm")[0], "service shop_web  app:1  1/1", "{order}");
    }
}

/// The same stories, as far as a real engine can be made to go through them.
#[test]
fn stories_go_the_same_way_on_a_real_engine() {
    let wrong = in_parallel(|path, story| {
        let name = file_name(path);
        if let Some(reason) = only_simulated(story) {
            println!("{name}: only simulated: {reason}");
            return None;
        }
        let Some(docker) = Docker::for_story(&name) else {
            println!("SKIPPED {name}: there is no Docker engine");
            return None;
        };
        let played = story.play(&mut Stage::on(docker));
        first_difference(path, &lasting(&story.as_written()), &lasting(&played))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn only_simulated(story: &Story) -> Option<&'static str> {
    let simulated = |line: &str| ONLY_SIMULATED.iter().find(|(command, _)| line.starts_with(command));
    story.commands().find_map(simulated).map(|(_, reason)| *reason)
}

/// A story without what depends on the speed of the machine, on its clock, and on the engine's own words: how far tasks
/// are at some moment, when releases were made, and how long things took.
fn lasting(story: &str) -> String {
    let passing = Regex::new(r"^  (\S+ \d+/\d+ .*|all tasks run; .*|\d+ tasks? stops?)$").unwrap();
    let lines = story.lines().filter(|line| !passing.is_match(line));
    let changing = [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[TIME]"),
        (r"\b\d+/(\d+) running", "[N]/$1 running"),
        (r"in \d+ s:", "in some seconds:"),
        (r"\b[0-9a-f]{7}\b", "[COMMIT]"),
        (r"the image (\S+) cannot be found: .*", "the image $1 cannot be found"),
        (r"the registry of the image (\S+) does not answer: .*", "the image $1 cannot be found"),
        (r"\S+ has nothing there", "[NODE] has nothing there"),
        // Which of both is seen first: the task that ended, or that Swarm stopped its update because of it.
        (r"a task failed and is not replaced|the update stopped: a new task failed", "[FAILED]"),
        // The engine is told why by its runtime, which may come after the end itself.
        (r"it was killed because it was out of memory: its limit is (\w+)", "[MEMORY] $1"),
        (r"exit code 137 \(killed, often because it was out of memory: its limit is (\w+)\)", "[MEMORY] $1"),
        (r"\(restarts \d tasks?\)|\(no task runs now\)", "(restarts)"),
    ];
    let mut text = lines.flat_map(|line| [line, "\n"]).collect::<String>();
    for (pattern, name) in changing {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text
}

/// Plays every story, some at once; what there is to say about some of them.
fn in_parallel(play: impl Fn(&Path, &Story) -> Option<String> + Sync) -> Vec<String> {
    let left = Mutex::new(stories());
    let said = Mutex::new(Vec::new());
    let work = || {
        while let Some(path) = { left.lock().unwrap().pop() } {
            let story = Story::parse(&std::fs::read_to_string(&path).unwrap());
            let played = catch_unwind(AssertUnwindSafe(|| play(&path, &story)));
            let broken = |_| Some(format!("{} broke off", file_name(&path)));
            said.lock().unwrap().extend(played.unwrap_or_else(broken));
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(work))));
    said.into_inner().unwrap()
}

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn file_name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn first_difference(path: &Path, told: &str, played: &str) -> Option<String> {
    if told == played {
        return None;
    }
    let common = told.lines().zip(played.lines()).take_while(|(told, played)| told == played).count();
    let line = |text: &str| text.lines().nth(common).unwrap_or("(the end)").to_owned();
    let name = file_name(path);
    Some(format!("{name}:{}\n  it is told:   {}\n  but it goes:  {}", common + 1, line(told), line(played)))
}
