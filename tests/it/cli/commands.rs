//! The list of commands, and what is typed wrong.

use insta::assert_snapshot;

use crate::harness::sandbox::Sandbox;

#[test]
fn help_lists_the_commands() {
    assert_snapshot!(Sandbox::new().run(&["--help"]), @"
    exit code 0
    --- stdout
    GitOps for Docker Swarm: git push, and the swarm follows, or goes back to where it was healthy

    Usage: skep [OPTIONS] <COMMAND>

    Commands:
      serve        Run the controller: watch repositories, take pushes, deploy
      lint         Check Dockerfiles and stack files (exit code 0: clean, 1: findings, 2: it could not
                   run)
      hook         Check what is pushed or committed, as a hook of any Git server
      lsp          The linter in an editor: the language server protocol over standard input and output
      rules        List all rules
      explain      Explain a rule, or list all rules
      render       Print the Compose file that would be deployed
      plan         Show what a deploy would change (exit code 0: nothing, 2: something, 1: it would be
                   refused, or could not be told)
      deploy       Deploy a folder, with the same gate and rollback as a push (exit code 0: it runs, 1:
                   it does not)
      status       Show what runs, what was last tried, and what differs
      sync         Look at watched repositories now, and deploy what is new (exit code 0: their newest
                   commits run, 1: they do not)
      logs         Show what the tasks of a stack write, or what its build wrote
      ps           Show the tasks of a stack
      history      Show the releases of a stack
      heal         Change back what was changed by hand (exit code 0: it is as it should be, 1: it is
                   not)
      rollback     Go back to an earlier release
      adopt        Hand a stack over to a repository, or into your own hands
      remove       Remove a stack, but not its data (exit code 0: there is nothing of it, 1: there is)
      completions  Print a completion script for a shell

    Options:
          --config <FILE>
              The settings file [default: /etc/skep/skep.yml if there is one]

      -H, --host <URL>
              The engine, such as `unix:///var/run/docker.sock` or `tcp://manager:2375`

          --format <FORMAT>
              How results are written; `lint` alone knows all of these [default: human]

              Possible values:
              - human:      For a person
              - json:       For a program
              - short:      A line for each finding
              - sarif:      SARIF 2.1.0, for code scanning
              - gitlab:     GitLab's code quality report
              - github:     Annotations of GitHub's actions
              - junit:      A test for each finding
              - checkstyle: Checkstyle's XML

          --color <COLOR>
              Whether results are coloured

              Possible values:
              - auto:   On a terminal that can, unless `NO_COLOR` is set
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
    Show what a deploy would change (exit code 0: nothing, 2: something, 1: it would be refused, or
    could not be told)

    Usage: skep plan [OPTIONS] [FOLDER|STACK]

    Arguments:
      [FOLDER|STACK]
              The folder with the stack file; with `--compose-file` the stack's name
              
              [default: .]

    Options:
      -c, --compose-file <FILE>
              A stack file of this machine instead of a folder; `-` is standard input

          --stack <NAME>
              The stack's name [default: what the file says, else the folder's name]

      -e, --env <NAME=VALUE>
              Set a variable of the stack file; NAME alone has its value from this shell

          --env-file <FILE>
              Read variables from this file, and not from `.env` beside the stack file

          --profile <NAME>
              Also services with this profile

          --as-written
              Deploy exactly the file, with none of skep's rewriting

          --config <FILE>
              The settings file [default: /etc/skep/skep.yml if there is one]

      -H, --host <URL>
              The engine, such as `unix:///var/run/docker.sock` or `tcp://manager:2375`

          --format <FORMAT>
              How results are written; `lint` alone knows all of these [default: human]

              Possible values:
              - human:      For a person
              - json:       For a program
              - short:      A line for each finding
              - sarif:      SARIF 2.1.0, for code scanning
              - gitlab:     GitLab's code quality report
              - github:     Annotations of GitHub's actions
              - junit:      A test for each finding
              - checkstyle: Checkstyle's XML

          --color <COLOR>
              Whether results are coloured

              Possible values:
              - auto:   On a terminal that can, unless `NO_COLOR` is set
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
              Folders, Dockerfiles and stack files; `-` is a Dockerfile on standard input
              
              [default: .]

    Options:
      -t, --fail-on <FAIL_ON>
              The least severity that makes the exit code 1 [default: what the settings say, else error]

              Possible values:
              - error
              - warning
              - info
              - style
              - none:    Nothing: as `--no-fail`
              
              [alias: --failure-threshold]

      -e, --env <NAME=VALUE>
              Set a variable of the stack file; NAME alone has its value from this shell

          --env-file <FILE>
              Read variables from this file, and not from `.env` beside the stack file

          --profile <NAME>
              Also services with this profile

          --live
              Also what only the swarm knows: what a deploy would be refused for

          --short
              One line a finding: `--format short`

      -o, --output <FILE>
              Write the findings to a file

          --fix
              Carry out the fixes that are safe

          --diff
              Show what `--fix` would change, and change nothing

          --config <FILE>
              The settings file [default: /etc/skep/skep.yml if there is one]

      -H, --host <URL>
              The engine, such as `unix:///var/run/docker.sock` or `tcp://manager:2375`

          --format <FORMAT>
              How results are written; `lint` alone knows all of these [default: human]

              Possible values:
              - human:      For a person
              - json:       For a program
              - short:      A line for each finding
              - sarif:      SARIF 2.1.0, for code scanning
              - gitlab:     GitLab's code quality report
              - github:     Annotations of GitHub's actions
              - junit:      A test for each finding
              - checkstyle: Checkstyle's XML

          --color <COLOR>
              Whether results are coloured

              Possible values:
              - auto:   On a terminal that can, unless `NO_COLOR` is set
              - always: Always
              - never:  Never
              
              [default: auto]

      -h, --help
              Print help (see a summary with '-h')

    Rules:
      -c, --settings <FILE>
              The settings, in the place of those in the folder: written as `skep-lint.yaml`, or as
              `.hadolint.yaml` if `hadolint` is in its name

          --enable <RULE>
              Ask a rule that is off

          --ignore <RULE>
              Do not ask a rule

          --error <RULE>
              Make a rule an error

          --warning <RULE>
              Make a rule a warning

          --info <RULE>
              Make a rule a remark

          --style <RULE>
              Make a rule a matter of taste

          --trusted-registry <REGISTRY>
              A registry that images may come from

          --require-label <LABEL:TYPE>
              A label that images must have, and its type: `maintainer:email`

          --strict-labels
              No other labels than those

          --disable-ignore-pragma
              Comments that switch rules off count for nothing

          --no-fail
              Exit code 0 whatever is found

          --shellcheck
              Run `shellcheck` for the findings about scripts that skep has no rule for
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
    assert_snapshot!(told, @r"
    exit code 1
    --- stderr
    error: the result could not be written whole: No space left on device (os error 28)

    exit code 2
    --- stderr
    error: the result could not be written whole: No space left on device (os error 28)
    ");
}
