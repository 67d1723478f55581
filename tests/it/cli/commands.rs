//! The list of commands, and what is typed wrong.

use insta::assert_snapshot;

use crate::harness::sandbox::Sandbox;

#[test]
fn help_lists_the_commands() {
    assert_snapshot!(Sandbox::new().run(&["--help"]), @"
    exit code 0
    --- stdout
    GitOps for Docker Swarm: git push deploys, and a release that does not become healthy is rolled back

    Usage: skep [OPTIONS] <COMMAND>

    Commands:
      serve        Run the controller: watch repositories, accept pushes, deploy
      lint         Check Dockerfiles and stack files (exit code 0: clean, 1: findings, 2: it could not
                   run)
      hook         Check pushes or commits, as a hook of any Git server
      lsp          Run the linter for an editor, as a language server over standard input and output
      rules        List all rules
      explain      Explain a rule, or list all rules
      render       Print the Compose file that would be deployed
      plan         Show what a deploy would change (exit code 0: no changes, 2: changes, 1: refused, or
                   an error)
      deploy       Deploy a folder, with the same gate and rollback as a push (exit code 0: it runs, 1:
                   it does not)
      status       Show what runs, the last attempt, and drift
      sync         Fetch watched repositories now, and deploy new commits (exit code 0: the newest
                   commits run, 1: they do not)
      logs         Show the output of the tasks of a stack, or the log of its build
      ps           Show the tasks of a stack
      history      Show the releases of a stack
      heal         Undo manual changes (exit code 0: the stack is as its release says, 1: it is not)
      rollback     Roll back to an earlier release
      adopt        Transfer a stack to a repository, or make it one that is deployed by hand
      remove       Remove a stack, but not its data (exit code 0: nothing of it is left, 1: something
                   is)
      completions  Print a completion script for a shell

    Options:
          --config <FILE>
              Settings file [default: /etc/skep/skep.yml if it exists]

      -H, --host <URL>
              Address of the engine, such as `unix:///var/run/docker.sock` or `tcp://manager:2375`

          --format <FORMAT>
              Output format; formats other than human and json are for `lint` only [default: human]

              Possible values:
              - human:      Readable text
              - json:       JSON
              - short:      One line for each finding
              - sarif:      SARIF 2.1.0, for code scanning
              - gitlab:     GitLab's code quality report
              - github:     Annotations of GitHub Actions
              - junit:      A test case for each finding, in the XML format of build servers
              - checkstyle: The XML format of Checkstyle

          --color <COLOR>
              When to colour results

              Possible values:
              - auto:   On a terminal with colours, unless `NO_COLOR` is set
              - always: Always
              - never:  Never
              
              [default: auto]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn help_of_a_command_tells_its_exit_codes() {
    assert_snapshot!(Sandbox::new().run(&["plan", "--help"]), @"
    exit code 0
    --- stdout
    Show what a deploy would change (exit code 0: no changes, 2: changes, 1: refused, or an error)

    Usage: skep plan [OPTIONS] [FOLDER|STACK]

    Arguments:
      [FOLDER|STACK]
              The folder with the stack file; with `--compose-file`, the name of the stack
              
              [default: .]

    Options:
      -c, --compose-file <FILE>
              Local stack file instead of a folder; `-` is standard input

          --stack <NAME>
              Name of the stack [default: from the file, else the name of the folder]

      -e, --env <NAME=VALUE>
              Set a variable of the stack file; NAME alone takes its value from this shell

          --env-file <FILE>
              Read variables from this file instead of `.env` beside the stack file

          --profile <NAME>
              Include services with this profile

          --as-written
              Deploy the file exactly, without skep's rewriting

          --config <FILE>
              Settings file [default: /etc/skep/skep.yml if it exists]

      -H, --host <URL>
              Address of the engine, such as `unix:///var/run/docker.sock` or `tcp://manager:2375`

          --format <FORMAT>
              Output format; formats other than human and json are for `lint` only [default: human]

              Possible values:
              - human:      Readable text
              - json:       JSON
              - short:      One line for each finding
              - sarif:      SARIF 2.1.0, for code scanning
              - gitlab:     GitLab's code quality report
              - github:     Annotations of GitHub Actions
              - junit:      A test case for each finding, in the XML format of build servers
              - checkstyle: The XML format of Checkstyle

          --color <COLOR>
              When to colour results

              Possible values:
              - auto:   On a terminal with colours, unless `NO_COLOR` is set
              - always: Always
              - never:  Never
              
              [default: auto]

      -h, --help
              Print help (see a summary with '-h')
    ");
}

#[test]
fn help_of_lint_groups_what_says_which_rules_count() {
    assert_snapshot!(Sandbox::new().run(&["lint", "--help"]), @"
    exit code 0
    --- stdout
    Check Dockerfiles and stack files (exit code 0: clean, 1: findings, 2: it could not run)

    Usage: skep lint [OPTIONS] [PATH]...

    Arguments:
      [PATH]...
              Folders, Dockerfiles and stack files; `-` is a Dockerfile from standard input
              
              [default: .]

    Options:
      -t, --fail-on <FAIL_ON>
              Lowest severity that makes the exit code 1 [default: from the settings, else error]

              Possible values:
              - error
              - warning
              - info
              - style
              - none:    Never fail, like `--no-fail`
              
              [alias: --failure-threshold]

      -e, --env <NAME=VALUE>
              Set a variable of the stack file; NAME alone takes its value from this shell

          --env-file <FILE>
              Read variables from this file instead of `.env` beside the stack file

          --profile <NAME>
              Include services with this profile

          --live
              Also check against the live swarm, as a deploy would

          --short
              Print one line for each finding, like `--format short`

      -o, --output <FILE>
              Write the findings to a file

          --fix
              Apply the safe fixes

          --diff
              Show what `--fix` would change, without changing anything

          --config <FILE>
              Settings file [default: /etc/skep/skep.yml if it exists]

      -H, --host <URL>
              Address of the engine, such as `unix:///var/run/docker.sock` or `tcp://manager:2375`

          --format <FORMAT>
              Output format; formats other than human and json are for `lint` only [default: human]

              Possible values:
              - human:      Readable text
              - json:       JSON
              - short:      One line for each finding
              - sarif:      SARIF 2.1.0, for code scanning
              - gitlab:     GitLab's code quality report
              - github:     Annotations of GitHub Actions
              - junit:      A test case for each finding, in the XML format of build servers
              - checkstyle: The XML format of Checkstyle

          --color <COLOR>
              When to colour results

              Possible values:
              - auto:   On a terminal with colours, unless `NO_COLOR` is set
              - always: Always
              - never:  Never
              
              [default: auto]

      -h, --help
              Print help (see a summary with '-h')

    Rules:
      -c, --settings <FILE>
              Settings that replace those in the folder: a `skep-lint.yaml`, or a `.hadolint.yaml` if
              its name contains `hadolint`

          --enable <RULE>
              Enable a rule

          --ignore <RULE>
              Disable a rule

          --error <RULE>
              Set the level of a rule to error

          --warning <RULE>
              Set the level of a rule to warning

          --info <RULE>
              Set the level of a rule to info

          --style <RULE>
              Set the level of a rule to style

          --trusted-registry <REGISTRY>
              A registry that images may come from

          --require-label <LABEL:TYPE>
              A label that images must have, and its type, such as `maintainer:email`

          --strict-labels
              Allow only these labels

          --disable-ignore-pragma
              Ignore comments that disable rules

          --no-fail
              Exit with code 0 despite findings

          --shellcheck
              Also run `shellcheck` on scripts, for findings that skep has no rule for
    ");
}

#[test]
fn a_command_that_is_none_is_told() {
    assert_snapshot!(Sandbox::new().run(&["deply"]), @"
    exit code 2
    --- stderr
    error: unrecognized subcommand 'deply'

      tip: a similar subcommand exists: 'deploy'

    Usage: skep [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn completions_name_the_commands() {
    let script = Sandbox::new().run(&["completions", "bash"]);
    assert!(script.starts_with("exit code 0\n--- stdout\n_skep()") && script.contains("rollback"), "{script}");
}

#[test]
fn a_result_that_is_not_written_whole_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("stack.yml", "services: { web: { image: 'nginx:1.27', healthcheck: { test: [CMD, true] } } }\n");
    let full = |arguments: &[&str]| {
        let disk = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        sandbox.run_into(disk, arguments)
    };
    let told = [full(&["rules"]), full(&["lint", "--format", "sarif"])].join("\n");
    assert_snapshot!(told, @"
    exit code 1
    --- stderr
    error: could not write the whole result: No space left on device (os error 28)

    exit code 2
    --- stderr
    error: could not write the whole result: No space left on device (os error 28)
    ");
}
